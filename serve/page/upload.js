// The door for photos: files, the camera, a drop anywhere on the page, or a paste. Runs with Gradio's element, props,
// trigger, upload and watch. Each photo is sent on its own, as it is, and again until it has arrived; the paths of those
// that arrived outlive a reload, which Gradio makes when it lost its server, and so does a change of language.
const { say: words, limit, most } = props;
const find = (selector) => element.querySelector(selector);
const pause = (ms) => new Promise((done) => {
  const timer = setTimeout(done, ms);
  addEventListener('online', () => { clearTimeout(timer); done(); }, { once: true });
});

const sent = new Map(Object.entries(JSON.parse(sessionStorage.photos || '{}')));  // path: null, or its file while known
const waiting = [];  // files that are not sent yet
const removed = [];  // paths that the server should forget
let sending = false;
let asking = false;
let changed = false;  // since the last question

function say(text) {
  find('.state').textContent = text;
  element.closest('#board').toggleAttribute('data-stale', Boolean(text) || sending || asking);
}

function warn(text) {
  find('.notice').textContent = text;
}

function show() {
  find('.waiting').replaceChildren(...waiting.map((file) => {
    const [row, name, cancel] = ['li', 'bdi', 'button'].map((tag) => document.createElement(tag));
    name.textContent = file.name;
    cancel.textContent = '×';
    cancel.className = 'remove';
    cancel.ariaLabel = words.remove_file.replace('{file}', file.name);
    cancel.onclick = () => { waiting.splice(waiting.indexOf(file), 1); show(); };
    row.append(name, cancel);
    return row;
  }));
}

function add(files) {
  let why = '';
  for (const file of files) {
    if (file.size > limit) why = words.too_large;
    else if (!file.size) why = words.error_empty;
    else if (sent.size + waiting.length >= most) why = words.too_many;
    else waiting.push(file);
  }
  warn(why);
  show();
  send();
}

async function send() {
  if (sending) return;
  sending = waiting.length > 0;
  for (let tries = 0; waiting.length; tries += 1) {
    const [file] = waiting;
    const count = sent.size + waiting.length;
    say(tries ? words.no_connection : words.sending.replace('{number}', sent.size + 1).replace('{count}', count));
    try {
      // A name of its own, so that no other upload shares the file and the person's own name for it stays at home.
      const name = crypto.getRandomValues(new Uint32Array(4)).join('');
      const { path } = await upload(new File([file], name, { type: file.type }));
      if (waiting[0] !== file) { removed.push(path); continue; }
      waiting.shift();
      sent.set(path, file);
      changed = true;
      tries = -1;
      keep();
    } catch (error) {
      say(/HTTP/.test(error) ? words.busy : words.no_connection);
      await pause(Math.min(1000 * 2 ** tries, 15000));
    }
    show();
  }
  sending = false;
  ask();
}

function keep() {
  sessionStorage.photos = JSON.stringify(Object.fromEntries([...sent.keys()].map((path) => [path, null])));
}

// Asks once nothing is left to send: one answer for the whole item.
function ask() {
  if (sending || asking || !changed) return say(asking ? words.looking : '');
  [asking, changed] = [true, false];
  say(words.looking);
  props.value = JSON.stringify({ photos: [...sent.keys()], removed: removed.splice(0) });
  trigger('upload');
}

watch('value', async () => {
  const said = JSON.parse(props.value || '{}');
  if (said.failed) {
    say(navigator.onLine ? words.busy : words.no_connection);
    await pause(2000);
    [asking, changed] = [false, true];
    ask();
  } else if (said.done) {
    asking = false;
    for (const path of said.gone) {
      const file = sent.get(path);
      if (file) { sent.delete(path); waiting.push(file); }
    }
    keep();
    show();
    if (waiting.length) send(); else ask();
  }
});

function remove(path) {
  const paths = path ? [path] : [...sent.keys()];
  if (!path) waiting.length = 0;
  warn('');
  for (const each of paths) if (sent.delete(each)) removed.push(each);
  changed = true;
  keep();
  show();
  find('input').focus();  // the button that was pressed leaves
  ask();
}

element.addEventListener('change', (event) => {
  add(event.target.files);
  event.target.value = '';
});
element.addEventListener('click', (event) => {
  const { sample } = event.target.dataset;
  if (!sample) return;
  if (sent.size + waiting.length >= most) return warn(words.too_many);
  sent.set(sample, null);
  changed = true;
  keep();
  ask();
});

// Listeners outside the element leave with it.
const gone = new AbortController();
const outside = (type, act) => document.addEventListener(type, (event) => {
  if (element.isConnected) act(event); else gone.abort();
}, { signal: gone.signal });
const take = (files) => { if (element.checkVisibility()) add(files); };  // else they are for another tab
outside('dragover', (event) => event.preventDefault());
outside('drop', (event) => { event.preventDefault(); take(event.dataTransfer.files); });
outside('paste', (event) => take(event.clipboardData.files));
outside('click', (event) => {
  const button = event.target.closest('[data-remove]');
  if (button) remove(button.dataset.remove);
});

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
    warn('');
    await video.play();
  } catch {
    warn(words.no_camera);
  }
});
find('.close').addEventListener('click', close);
find('.shoot').addEventListener('click', () => {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext('2d').drawImage(video, 0, 0);
  canvas.toBlob((blob) => add([new File([blob], 'camera.png', { type: blob.type })]));
  close();
});

if (sent.size) {
  changed = true;
  ask();
}
