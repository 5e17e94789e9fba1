// Sends whatever form is shown, with the button that was pressed; then the eye and a screen reader start at the top.
element.addEventListener('submit', (event) => {
  event.preventDefault();
  const { name, value } = event.submitter ?? {};
  trigger('submit', { ...Object.fromEntries(new FormData(event.target)), ...(name && { [name]: value }) });
});
watch('value', () => element.querySelector('h2')?.focus());
