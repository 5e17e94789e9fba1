// The slider sets how strongly the evidence covers the photo; each new picture takes the slider's place as it is.
const show = () => {
  const slider = element.querySelector('#strength');
  if (slider) element.style.setProperty('--strength', slider.value / 100);
};
element.addEventListener('input', show);
watch('value', show);
