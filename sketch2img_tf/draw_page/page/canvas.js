// The canvas and its tools. gr.HTML runs this once, when canvas.html is on the page, and gives it
// `element`, `props`, `trigger` and `watch`. props.value is the drawing as a data URL; the page's
// Python sees it change. The page with the model in the browser (web/page.js) gives the same four,
// and sends drawings more often.

const QUIET_MS = props.quiet_ms ?? 150; // a drawing is sent when the pencil has rested for as long,
const LATEST_MS = props.latest_ms ?? 500; // or, while it moves, this often
const MOST_UNDOS = 50;
// Pencil widths and starters are in pixels of a page this wide, as are the sketches of the training
const PAGE = 256;
const [THINNEST, THICKEST] = [2, 6]; // with a pen's pressure too: as the thin and the thick pencil

const canvas = element.querySelector("canvas");
const context = canvas.getContext("2d", { willReadFrequently: true });
const scale = canvas.width / PAGE;
const done = [];
const undone = [];
let tool = element.querySelector('[aria-pressed="true"]');
let stroke = null;
let timer = null;
let unsentSince = null;

function send() {
  clearTimeout(timer);
  unsentSince = null;
  props.value = canvas.toDataURL("image/png");
}

function changed() {
  clearTimeout(timer);
  unsentSince ??= performance.now();
  timer = setTimeout(send, Math.min(QUIET_MS, unsentSince + LATEST_MS - performance.now()));
}

const snapshot = () => context.getImageData(0, 0, canvas.width, canvas.height);

function showHistory() {
  element.querySelector('[data-action="undo"]').disabled = !done.length;
  element.querySelector('[data-action="redo"]').disabled = !undone.length;
}

function remember() {
  done.push(snapshot());
  done.splice(0, done.length - MOST_UNDOS);
  undone.length = 0;
  showHistory();
}

function move(from, to) {
  if (!from.length) return;
  to.push(snapshot());
  context.putImageData(from.pop(), 0, 0);
  showHistory();
  changed();
}

function blank() {
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
}

function setPen(width, colour) {
  context.lineWidth = width * scale;
  context.strokeStyle = colour;
  Object.assign(context, { lineCap: "round", lineJoin: "round" });
}

function place(event) {
  const box = canvas.getBoundingClientRect();
  const unit = canvas.width / box.width;
  const [x, y] = [(event.clientX - box.left) * unit, (event.clientY - box.top) * unit];
  return { x, y, width: widthOf(event) };
}

// A pen's pressure, 0 to 1, makes the line half to one and a half times as wide as the tool. A pen
// that cannot measure it gives 0.5.
function widthOf(event) {
  const width = Number(tool.dataset.width);
  if (event.pointerType !== "pen" || tool.dataset.action === "eraser") return width;
  return Math.min(Math.max(width * (0.5 + event.pressure), THINNEST), THICKEST);
}

// Draws from the middle between the last two places to the middle of the next two, bent towards the
// place between them.
function drawTo(next) {
  const middle = { x: (stroke.last.x + next.x) / 2, y: (stroke.last.y + next.y) / 2 };
  context.lineWidth = ((stroke.last.width + next.width) / 2) * scale;
  context.beginPath();
  context.moveTo(stroke.middle.x, stroke.middle.y);
  context.quadraticCurveTo(stroke.last.x, stroke.last.y, middle.x, middle.y);
  context.stroke();
  Object.assign(stroke, { last: next, middle });
}

canvas.addEventListener("pointerdown", (event) => {
  if (stroke || event.button) return;
  canvas.setPointerCapture(event.pointerId);
  remember();
  setPen(tool.dataset.width, tool.dataset.action === "eraser" ? "white" : "black");
  const start = place(event);
  stroke = { pointer: event.pointerId, last: start, middle: start };
  drawTo(start); // a dot
  changed();
});

canvas.addEventListener("pointermove", (event) => {
  if (stroke?.pointer !== event.pointerId) return;
  const events = event.getCoalescedEvents();
  (events.length ? events : [event]).forEach((each) => drawTo(place(each)));
  changed();
});

function lift(event) {
  if (stroke?.pointer !== event.pointerId) return;
  drawTo(stroke.last);
  stroke = null;
  changed();
}
canvas.addEventListener("pointerup", lift);
canvas.addEventListener("pointercancel", lift);

function take(button) {
  tool.setAttribute("aria-pressed", "false");
  tool = button;
  tool.setAttribute("aria-pressed", "true");
}

function start(button) {
  remember();
  blank();
  setPen(3, "black");
  context.save();
  context.scale(scale, scale);
  context.lineWidth = 3;
  context.stroke(new Path2D(button.dataset.path));
  context.restore();
  trigger("starter", { label: button.dataset.label });
  send();
}

function save() {
  const link = document.createElement("a");
  Object.assign(link, { href: canvas.toDataURL("image/png"), download: "sketch.png" });
  link.click();
}

const actions = {
  pencil: take,
  eraser: take,
  undo: () => move(done, undone),
  redo: () => move(undone, done),
  clear: () => (remember(), blank(), changed()),
  save,
  upload: () => document.getElementById("upload").click(),
  starter: start,
};

element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-action]");
  if (button) actions[button.dataset.action](button);
});

document.addEventListener("keydown", (event) => {
  const key = event.key.toLowerCase();
  if (!(event.ctrlKey || event.metaKey) || !"zy".includes(key)) return;
  if (event.target.closest("input, textarea")) return;
  event.preventDefault();
  actions[key === "y" || event.shiftKey ? "redo" : "undo"]();
});

// The page has put a drawing there, which was uploaded.
watch("value", () => {
  const picture = new Image();
  picture.onload = () => {
    remember();
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    trigger("replaced");
  };
  picture.src = props.value;
});

blank();
