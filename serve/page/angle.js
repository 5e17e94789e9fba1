// Taps on a photo of a cut tusk: first its middle and its edge, then four for each pair of lines. The server measures
// them; what is drawn here is what was tapped. Runs with Gradio's element, props, trigger, upload and watch. Photo and
// taps outlive a reload, which Gradio makes when it lost its server, and so do they a change of language.
const { say: words, limit, most } = props;
const find = (selector) => element.querySelector(selector);
const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

const NEAR = 12;  // pixels of the screen; a second tap so near to the first of its line is the same tap again
let photo = '';  // the path by which the server knows it
let shown = null;  // its picture, and its size in its own pixels
let marks = [];  // [x, y] in shares of its width and height
let asked = '';  // the photo that the present question is about
let asking = false;
let changed = false;  // since the last question

function say(text) {
  find('.state').textContent = text;
}

function prompt() {
  const tapped = marks.length - 2;
  const step = tapped < 0 ? ['angle_middle', 'angle_edge'][marks.length] : tapped % 4 < 2 ? 'angle_line' : 'angle_cross';
  const pair = Math.floor(tapped / 4) + 1;
  say(pair > most ? words.angle_full : words[step].replace('{number}', pair));
}

function draw() {
  if (!shown) return;
  const at = ([x, y]) => `${x * shown.size[0]} ${y * shown.size[1]}`;
  const lines = marks.flatMap((mark, i) => (i % 2 ? [`M ${at(marks[i - 1])} L ${at(mark)}`] : []));
  const [radius, ...pairs] = lines.map((line) => `<path class="line" d="${line}"/>`);
  const dots = marks.map((mark) => `<path class="dot" d="M ${at(mark)} h .01"/>`);
  find('.taps').innerHTML = `<g class="radius">${radius ?? ''}</g>${pairs.join('')}${dots.join('')}`;
  for (const button of ['.undo', '.clear']) find(button).disabled = !marks.length;
  find('svg').style.setProperty('--pixel', shown.size[0] / find('.sheet').clientWidth);
}

function keep() {
  try {
    sessionStorage.angle = JSON.stringify({ photo, shown, marks, edge_seen: find('.edge input').checked });
  } catch {
    sessionStorage.removeItem('angle');  // a browser with too little room
  }
}

function change() {
  draw();
  prompt();
  ask();
}

function ask() {
  keep();
  changed = true;
  if (asking) return;
  [asking, changed, asked] = [true, false, photo];
  props.value = JSON.stringify({ photo, marks, edge_seen: find('.edge input').checked });
  trigger('submit');
}

watch('value', async () => {
  const said = JSON.parse(props.value || '{}');
  if (said.failed) {
    say(words.angle_busy);
    await pause(2000);
    asking = false;
    if (shown) prompt();
    return ask();
  }
  if (!said.done) return;
  asking = false;
  if (asked === photo) {
    find('.measured').innerHTML = said.said;
    find('.angles').innerHTML = said.drawn;
    if (!shown) open(said.photo);
  }
  if (changed) ask();
});

function open(picture) {
  shown = picture;
  find('.tools').hidden = !shown;
  if (!shown) return say('');
  find('img').src = shown.src;
  find('.sheet').style.aspectRatio = shown.size.join(' / ');
  find('svg').setAttribute('viewBox', `0 0 ${shown.size.join(' ')}`);
  enlarge(1);
  prompt();
  keep();
}

function enlarge(times) {
  const [stage, sheet] = [find('.stage'), find('.sheet')];
  const middle = [stage.scrollLeft + stage.clientWidth / 2, stage.scrollTop + stage.clientHeight / 2];
  const grown = times / (parseFloat(sheet.style.width) / 100 || 1);
  sheet.style.width = `${100 * times}%`;
  stage.scrollTo(middle[0] * grown - stage.clientWidth / 2, middle[1] * grown - stage.clientHeight / 2);
  find('#enlarge').value = times;
  draw();
}

async function send(file) {
  if (file.size > limit) return say(words.too_large);
  if (!file.size) return say(words.error_empty);
  [shown, marks, find('.tools').hidden] = [null, [], true];
  say(words.angle_sending);
  // A name of its own, as for other photos.
  const named = new File([file], crypto.getRandomValues(new Uint32Array(4)).join(''), { type: file.type });
  for (;;) {
    try {
      ({ path: photo } = await upload(named));
      return ask();
    } catch {
      say(words.angle_busy);
      await pause(2000);
    }
  }
}

function tap(event) {
  const box = find('.sheet').getBoundingClientRect();
  const mark = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  const [x, y] = marks.at(-1) ?? [];
  const again = marks.length % 2 && Math.hypot((mark[0] - x) * box.width, (mark[1] - y) * box.height) < NEAR;
  if (again || marks.length >= 2 + 4 * most || mark.some((part) => part < 0 || part > 1)) return;
  marks.push(mark);
  draw();
  prompt();
  if (marks.length > 2 && (marks.length - 2) % 4 === 0) ask(); else keep();
}

element.addEventListener('click', (event) => {
  if (event.target.closest('.sheet')) tap(event);
  else if (event.target.closest('.undo')) { marks.pop(); change(); }
  else if (event.target.closest('.clear')) { marks = []; change(); }
});
element.addEventListener('change', (event) => {
  if (event.target.type === 'checkbox') return ask();
  if (event.target.type !== 'file') return;
  const [file] = event.target.files;
  if (file) send(file);
  event.target.value = '';
});
element.addEventListener('input', (event) => {
  if (event.target.id === 'enlarge') enlarge(Number(event.target.value));
});
new ResizeObserver(draw).observe(find('.stage'));

const kept = JSON.parse(sessionStorage.angle || '{}');
if (kept.shown) {
  ({ photo, marks, edge_seen: find('.edge input').checked } = kept);
  open(kept.shown);
  ask();
}
