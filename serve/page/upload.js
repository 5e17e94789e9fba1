// The door for photos: a file, the camera, a drop anywhere on the page, or a paste. Runs with Gradio's
// element, props, trigger, upload and watch. The bytes are sent as they are.
const { say: words, limit } = props;
const find = (selector) => element.querySelector(selector);
const say = (text) => {
  find('.state').textContent = text;
  element.closest('#board').toggleAttribute('data-stale', Boolean(text));
};
let busy = false;

async function send(file) {
  if (!file || busy) return;
  if (file.size > limit) return say(words.too_large);
  busy = true;
  say(words.sending);
  try {
    // A name of its own, so that no other upload shares the file and the person's own name for it stays at home.
    const name = Date.now().toString(36) + Math.random().toString(36).slice(2);
    const { path } = await upload(new File([file], name, { type: file.type }));
    say(words.looking);
    props.value = path;
    trigger('upload');
  } catch {
    busy = false;
    say(words.not_sent);
  }
}

// The page empties the value when it has answered, or when it cannot; until then no other photo is taken.
watch('value', () => {
  if (props.value) return;
  busy = false;
  say('');
});

element.addEventListener('change', (event) => {
  send(event.target.files?.[0]);
  event.target.value = '';
});

// Listeners outside the element leave with it.
const gone = new AbortController();
const outside = (type, act) => document.addEventListener(type, (event) => {
  if (element.isConnected) act(event); else gone.abort();
}, { signal: gone.signal });
outside('dragover', (event) => event.preventDefault());
outside('drop', (event) => { event.preventDefault(); send(event.dataTransfer.files[0]); });
outside('paste', (event) => send(event.clipboardData.files[0]));

// A phone opens its own camera for the input; a desk's camera is shown here.
const video = find('video');
function close() {
  video.srcObject?.getTracks().forEach((track) => track.stop());
  video.srcObject = null;
  find('.camera').hidden = true;
}
find('input[capture]').addEventListener('click', async (event) => {
  if (matchMedia('(pointer: coarse)').matches) return;
  event.preventDefault();
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1920 } } });
    find('.camera').hidden = false;
    say('');
    await video.play();
  } catch {
    say(words.no_camera);
  }
});
find('.close').addEventListener('click', close);
find('.shoot').addEventListener('click', () => {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext('2d').drawImage(video, 0, 0);
  canvas.toBlob(send);
  close();
});
