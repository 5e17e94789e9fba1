// The form for an advert. Runs with Gradio's element, props, trigger, upload and watch. The pictures stay here and are
// sent anew with each question, so that nothing of an advert is kept on the server.
const { say: words, limit, most } = props;
const find = (selector) => element.querySelector(selector);
const pictures = [];
let asking = false;

function say(text, wrong = '') {
  asking = Boolean(text);
  find('.state').textContent = text;
  find('.notice').textContent = wrong;
  element.closest('#advert').toggleAttribute('data-stale', asking);
}

function show() {
  find('.waiting').replaceChildren(...pictures.map((file) => {
    const [row, name, away] = ['li', 'bdi', 'button'].map((tag) => document.createElement(tag));
    name.textContent = file.name;
    Object.assign(away, { type: 'button', textContent: '×', className: 'remove' });
    away.ariaLabel = words.remove_file.replace('{file}', file.name);
    away.onclick = () => { pictures.splice(pictures.indexOf(file), 1); show(); find('[type=file]').focus(); };
    row.append(name, away);
    return row;
  }));
}

function add(files) {
  let why = '';
  for (const file of files) {
    if (file.size > limit) why = words.too_large;
    else if (!file.size) why = words.error_empty;
    else if (pictures.length >= most) why = words.too_many;
    else pictures.push(file);
  }
  find('.notice').textContent = why;
  show();
}

async function ask() {
  const [title, text, seller] = ['title', 'text', 'seller_text'].map((name) => find(`[name=${name}]`).value);
  if (!(title + text).trim() && !pictures.length) return say('', words.advert_nothing);
  const paths = [];
  try {
    for (const file of pictures) {
      say(words.sending.replace('{number}', paths.length + 1).replace('{count}', pictures.length));
      // A name of its own, so that no other upload shares the file and the person's own name for it stays at home.
      const name = crypto.getRandomValues(new Uint32Array(4)).join('');
      paths.push((await upload(new File([file], name, { type: file.type }))).path);
    }
  } catch {
    return say('', words.advert_again);
  }
  say(words.looking);
  props.value = JSON.stringify({ title, text, seller_text: seller, pictures: paths });
  trigger('submit');
}

element.addEventListener('submit', (event) => {
  event.preventDefault();
  if (!asking) ask();
});
element.addEventListener('change', (event) => {
  if (event.target.type !== 'file') return;
  add(event.target.files);
  event.target.value = '';
});
watch('value', () => {
  const said = JSON.parse(props.value || '{}');
  if (said.done) {
    say('');
    document.querySelector('#verdict').scrollIntoView({ block: 'nearest' });  // on a phone it is below the form
  }
  if (said.failed) say('', words.advert_again);
});

// Listeners outside the element leave with it.
const gone = new AbortController();
const outside = (type, act) => document.addEventListener(type, (event) => {
  if (!element.isConnected) gone.abort();
  else if (element.checkVisibility()) act(event);
}, { signal: gone.signal });
outside('drop', (event) => add(event.dataTransfer.files));
outside('paste', (event) => add(event.clipboardData.files));
