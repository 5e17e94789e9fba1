// Taps on a photo of a cut tusk: first its middle and its edge, then four for each pair of lines. The server measures them;
// what is drawn here is what was tapped. Runs with Gradio's element, props, trigger, upload and watch.
const { say: words, limit, most } = props;
const find = (selector) => element.querySelector(selector);
const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

const NEAR = 12;  // pixels of the screen; a second tap so near to the first of its line is the same tap again
let marks = [];  // [x, y] in shares of the photo's width and height
let size = [1, 1];  // of the photo in its own pixels
let photo = '';  // path of a photo that the server has not opened yet
let opening = '';  // the one that the present question asks to open
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
  const at = ([x, y]) => `${x * size[0]} ${y * size[1]}`;
  const lines = marks.flatMap((mark, i) => (i % 2 ? [`M ${at(marks[i - 1])} L ${at(mark)}`] : []));
  const [radius, ...pairs] = lines.map((line) => `<path class="line" d="${line}"/>`);
  const dots = marks.map((mark) => `<path class="dot" d="M ${at(mark)} h .01"/>`);
  find('.taps').innerHTML = `<g class="radius">${radius ?? ''}</g>${pairs.join('')}${dots.join('')}`;
  for (const button of ['.undo', '.clear']) find(button).disabled = !marks.length;
  find('svg').style.setProperty('--pixel', size[0] / find('.sheet').clientWidth);
}

function change() {
  draw();
  prompt();
  ask();
}

function ask() {
  changed = true;
  if (asking) return;
  [asking, changed, opening] = [true, false, photo];
  props.value = JSON.stringify({ photo, marks, edge_seen: find('.edge input').checked });
  trigger('submit');
}

watch('value', async () => {
  const said = JSON.parse(props.value || '{}');
  if (said.failed) {
    say(words.angle_busy);
    await pause(2000);
    asking = false;
    return ask();
  }
  if (!said.done) return;
  asking = false;
  find('.measured').innerHTML = said.said;
  find('.angles').innerHTML = said.drawn;
  if (photo && photo === opening) show(said.photo);
  if (changed) ask();
});

function show(opened) {
  photo = '';
  find('.tools').hidden = !opened;
  if (!opened) return say('');
  size = [opened.width, opened.height];
  find('img').src = opened.src;
  find('.sheet').style.aspectRatio = size.join(' / ');
  find('svg').setAttribute('viewBox', `0 0 ${size.join(' ')}`);
  enlarge(1);
  prompt();
}

function enlarge(times) {
  const [stage, sheet, slider] = [find('.stage'), find('.sheet'), find('#enlarge')];
  const middle = [stage.scrollLeft + stage.clientWidth / 2, stage.scrollTop + stage.clientHeight / 2];
  const grown = times / (parseFloat(sheet.style.width) / 100 || 1);
  sheet.style.width = `${100 * times}%`;
  stage.scrollTo(middle[0] * grown - stage.clientWidth / 2, middle[1] * grown - stage.clientHeight / 2);
  slider.value = times;
  draw();
}

async function send(file) {
  if (file.size > limit) return say(words.too_large);
  if (!file.size) return say(words.error_empty);
  [marks, find('.tools').hidden] = [[], true];
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
  if (marks.length > 2 && (marks.length - 2) % 4 === 0) ask();
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
