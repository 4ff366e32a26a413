// The page. It sends what is drawn, named and wished for to the worker, one picture at a time, and
// shows the pictures that come back.

import { keepForLater, workerOf } from "./background.js";
import canvasOf from "./canvas.js";
import { classBox, words } from "./class_box.js";
import { picturesFrom } from "./elsewhere.js";
import keptOf, { template as keptTemplate } from "./kept.js";
import othersOf, { template as othersTemplate } from "./others.js";
import { contactSheet, enlarged, opaque } from "./sheet.js";
import { rendered } from "./template.js";

const QUIET_MS = 50; // a drawing is taken when the pencil has rested for as long,
const LATEST_MS = 120; // or, while it moves, this often

const find = (selector) => document.querySelector(selector);
find("#engine").textContent = "The model is being loaded.";
const card = await (await fetch("model.json")).json();
const worker = workerOf("worker.js", tell, () =>
  say("This page's worker did not start: load the page again.", true),
);

// What is wanted: the drawing (an ImageData, null while the paper is blank), how many seeds from
// which on, and how far on the way to as many others.
const wish = { drawing: null, label: 0, firstSeed: 0, count: 4, otherSeed: 1, percent: 0 };
let version = 0; // of the drawing and its class
let chosen = 0; // which of the seeds is shown large
let isReady = false;
let isDrawing = false;
const pictures = new Map(); // by seed: { photo, version }

// The canvas and its tools, which draw.py's page has too. Gradio gives them what is made here.

const paper = find("#canvas canvas");
const watchers = [];
const props = {
  quiet_ms: QUIET_MS,
  latest_ms: LATEST_MS,
  uploaded: "",
  get value() {
    return this.uploaded;
  },
  set value(_) {
    drawn(); // of the paper's pixels themselves
  },
};
const events = {
  starter: ({ label }) => card.classNames.includes(label) && chooseOfAll(label),
  replaced: () => drawn(),
};
canvasOf(
  find("#canvas"),
  props,
  (name, data) => events[name](data),
  (name, act) => watchers.push(act),
);

const [classField, classList] = [find("#class-name"), find("#classes")];
const classes = classBox(classField, classList, card.classNames, card.synonyms, (name) => {
  wish.label = card.classNames.indexOf(name);
  showOthers();
  renew();
});

// Parts of draw.py's page: each gives what fills it.

function part(selector, template, script, act) {
  script(find(selector), {}, (_, data) => act(data));
  return (value) => (find(selector).innerHTML = rendered(template, { value }));
}

const fillOthers = part("#others", othersTemplate, othersOf, ({ label }) => chooseOfAll(label));

const showOthers = () =>
  fillOthers(card.others[classes.name()].map((label) => ({ label, name: words(label) })));

const kind = find("#kind");
for (const name of Object.keys(card.groups)) kind.add(new Option(name, name));
kind.hidden = kind.length < 3; // all of them, and one kind
kind.addEventListener("change", () =>
  classes.lookThrough(kind.value ? card.groups[kind.value] : card.classNames),
);

// Of any kind, whatever kind is looked through.
function chooseOfAll(name) {
  kind.value = "";
  classes.lookThrough(card.classNames);
  classes.choose(name);
}

function drawn() {
  const drawing = paper.getContext("2d").getImageData(0, 0, paper.width, paper.height);
  wish.drawing = new Uint32Array(drawing.data.buffer).some((pixel) => pixel !== 0xffffffff)
    ? drawing
    : null;
  renew();
}

function renew() {
  ++version;
  if (!wish.drawing) pictures.clear();
  show();
  draw();
}

// Pictures of the newest drawing, the large one first. While one is made, others may be wished for:
// they come next.
async function draw() {
  if (!isReady || isDrawing) return;
  isDrawing = true;
  for (let seed = nextSeed(); seed !== undefined; seed = nextSeed()) {
    const asked = { ...wish, version };
    try {
      const { photo } = await worker.ask("draw", {
        drawing: asked.drawing,
        label: asked.label,
        seed,
        other: otherOf(seed),
        share: asked.percent / 100,
      });
      if (wish.drawing) pictures.set(seed, { photo, version: asked.version });
      show();
    } catch (error) {
      say(`No picture: ${error.message}`, true);
      break;
    }
  }
  isDrawing = false;
}

function nextSeed() {
  if (!wish.drawing) return undefined;
  return [seeds()[chosen], ...seeds()].find((seed) => pictures.get(seed)?.version !== version);
}

const otherOf = (seed) => wish.otherSeed + seed - wish.firstSeed;

// As draw.py's page calls it.
const called = (seed) => (wish.percent ? `${seed}-${wish.percent}%-${otherOf(seed)}` : `${seed}`);

const seeds = () => Array.from({ length: wish.count }, (_, number) => wish.firstSeed + number);

// What is to be seen.

const photo = find("#photo");
const variations = find("#variations");
photo.width = photo.height = card.imageSize;

function show() {
  const large = pictures.get(seeds()[chosen]);
  photo.hidden = find("#save").hidden = find("#more").hidden = !large;
  find("#nothing").hidden = Boolean(large);
  if (large) paint(photo, large.photo, seeds()[chosen]);
  variations.hidden = wish.count === 1;
  while (variations.children.length > wish.count) variations.lastChild.remove();
  while (variations.children.length < wish.count) variations.append(variationButton());
  seeds().forEach((seed, number) => {
    const button = variations.children[number];
    const picture = pictures.get(seed);
    button.setAttribute("aria-pressed", String(number === chosen));
    button.setAttribute("aria-label", `Seed ${called(seed)}`);
    button.title = `Seed ${called(seed)}`;
    button.firstChild.hidden = !picture;
    if (picture) paint(button.firstChild, picture.photo, seed);
  });
}

function variationButton() {
  const button = document.createElement("button");
  button.type = "button";
  button.append(
    Object.assign(document.createElement("canvas"), {
      width: card.imageSize,
      height: card.imageSize,
    }),
  );
  return button;
}

function paint(canvas, rgb, seed) {
  const image = opaque(rgb, card.imageSize);
  // Few pixels, which are saved as they are.
  canvas.getContext("2d", { willReadFrequently: true }).putImageData(image, 0, 0);
  canvas.setAttribute("aria-label", `Picture of ${words(classes.name())}, seed ${called(seed)}`);
}

function say(text, isWrong = false) {
  find("#said").textContent = text;
  find("#said").classList.toggle("wrong", isWrong);
}

// What can be pressed and typed.

variations.addEventListener("click", (event) =>
  choose([...variations.children].indexOf(event.target.closest("button"))),
);
variations.addEventListener("keydown", ({ key }) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
  if (!step) return;
  choose((chosen + step + wish.count) % wish.count);
  variations.children[chosen].focus();
});

function choose(number) {
  if (number < 0) return;
  chosen = number;
  show();
}

const seedOf = (field) => Math.min(Math.max(Math.floor(field.valueAsNumber) || 0, 0), 2 ** 31 - 1);

const seedField = find("#seed");
seedField.addEventListener("input", () => startAt(seedOf(seedField)));
find("#dice").addEventListener("click", () =>
  startAt((wish.firstSeed + 1 + Math.floor(Math.random() * 9999)) % 10000),
);

function startAt(seed) {
  wish.firstSeed = seed;
  if (seedField.valueAsNumber !== seed && document.activeElement !== seedField)
    seedField.value = seed;
  if (wish.percent) ++version; // its other seeds are others, too
  keepOnly(seeds());
}

const [otherField, percentField] = [find("#other-seed"), find("#percent")];
otherField.addEventListener("input", () => {
  wish.otherSeed = seedOf(otherField);
  if (wish.percent) renew();
});
percentField.addEventListener("input", () => {
  wish.percent = percentField.valueAsNumber;
  find("#blend output").textContent = `${wish.percent} %`;
  renew();
});

find("#count").addEventListener("click", ({ target }) => {
  if (!target.dataset.count) return;
  find("#count [aria-pressed=true]").setAttribute("aria-pressed", "false");
  target.setAttribute("aria-pressed", "true");
  wish.count = Number(target.dataset.count);
  chosen = Math.min(chosen, wish.count - 1);
  keepOnly(seeds());
});

function keepOnly(wanted) {
  for (const seed of pictures.keys()) if (!wanted.includes(seed)) pictures.delete(seed);
  show();
  draw();
}

function save(canvas, name) {
  canvas.toBlob((png) => {
    const link = document.createElement("a");
    Object.assign(link, { href: URL.createObjectURL(png), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  });
}

const fileName = () => `${classes.name()}-${called(seeds()[chosen])}.png`;

find("#save").addEventListener("click", () => save(photo, fileName()));
find("#enlarge").addEventListener("click", () => {
  const large = enlarged(pictures.get(seeds()[chosen]).photo, card.imageSize);
  save(large, `4x-${fileName()}`);
});
find("#sheet").addEventListener("click", () => {
  const made = seeds().filter((seed) => pictures.has(seed));
  const photos = made.map((seed) => pictures.get(seed).photo);
  const caption = `${classes.name()}: seeds ${made.map(called).join(", ")}`;
  save(contactSheet(wish.drawing, photos, card.imageSize, caption), `${classes.name()}.png`);
});

// Kept drawings, the newest first, for as long as the page is open.

let kept = [];
let last = 0;
const fillKept = part("#kept", keptTemplate, keptOf, ({ id }) => {
  const { drawing, label, seed } = kept.find((item) => item.id === id);
  chooseOfAll(label);
  choose(0);
  startAt(seed);
  put(drawing);
});

find("#keep").addEventListener("click", () => {
  const item = {
    drawing: paper.toDataURL(),
    src: photo.toDataURL(),
    label: classes.name(),
    seed: seeds()[chosen],
  };
  const isOther = (each) => Object.keys(item).some((name) => item[name] !== each[name]);
  kept = [{ ...item, id: `${++last}` }, ...kept.filter(isOther)].slice(0, card.mostKept);
  fillKept(kept);
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select")) return;
  const act = { "/": () => find("#class-name").click(), n: () => find("#dice").click() }[event.key];
  if (!act) return;
  event.preventDefault();
  if (event.key === "/") find("#class-name").focus();
  act();
});

// Pictures from elsewhere.

picturesFrom(find("#upload"), find("main"), take);

async function take(file) {
  if (!file) return;
  try {
    const { sketch, size, notes } = await worker.ask("read", { file, fill: card.fill });
    const image = new ImageData(size, size);
    sketch.forEach((level, at) => image.data.set([level, level, level, 255], 4 * at));
    const page = Object.assign(document.createElement("canvas"), { width: size, height: size });
    page.getContext("2d").putImageData(image, 0, 0);
    put(page.toDataURL());
    say(`Your drawing: ${notes.join("; ")}.`);
  } catch (error) {
    say(`${file.name}: ${error.message}`, true);
  }
}

// A drawing, a data URL, on the paper.
function put(drawing) {
  props.uploaded = drawing;
  watchers.forEach((act) => act());
}

function tell({ engine, isKept }) {
  if (engine) tell.engine = engine;
  tell.isKept ||= isKept;
  find("#engine").textContent =
    `Drawn on this computer by ${tell.engine}${tell.isKept ? "; works without network" : ""}.`;
}

show();
showOthers();
try {
  const { engine, runtime } = await worker.ask("start", {});
  isReady = true;
  tell({ engine });
  draw();
  await keepForLater(runtime, find("#update"), tell);
} catch (error) {
  find("#engine").textContent = "";
  say(`The model could not be loaded: ${error.message}. Load the page again.`, true);
}
