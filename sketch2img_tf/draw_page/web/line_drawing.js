// Finds the lines of a drawing on whatever it was drawn on. It is inference/line_drawing.py in
// JavaScript, which says why, and what the numbers mean. Ink is in [0, 1]; 0 is paper.

import { CUBIC, resized, toLevel } from "./resize.js";
import {
  boxWhere,
  extremes,
  filled,
  labelled,
  longerSide,
  mapped,
  maximum,
  mean,
  median,
  round,
} from "./planes.js";
import { contrast, FAINTEST, MOSTLY } from "./paper.js";
import { withoutDots } from "./dotted_paper.js";
import { withoutRules } from "./ruled_paper.js";

export const SIZE = 256;

const FEWEST = 1e-4;
const SMALLEST = 0.03;
const SPECK = 0.045;
const DUST = 1 / 3; // of a line's width
const GAP = 0.04;
const THINNEST = 2.0;
const INKED = 0.12; // of a block, which then holds lines

// Black lines on white, Uint8Array [256, 256], from the channels of a page as paper.contrast takes
// them. The drawing's longer side is the share `fill` of the square's. Throws an Error that says
// why there is none.
export function extract(channels, fill, notes) {
  let ink = inkOf(withoutDots(withoutRules(contrast(channels, notes), notes), notes));
  const block = Math.max(1, round(longerOf(ink) / SIZE));
  const drawn = drawnBlocks(ink, block);
  const place = withoutSpecks(drawn, notes);
  ink = mapped(ink, (value, at) => {
    const [row, column] = [
      Math.floor(at / ink.width / block),
      Math.floor((at % ink.width) / block),
    ];
    return place[row * drawn.width + column] ? value : 0;
  });
  const box = drawingBox(ink, drawn, place, block);
  const size = `${box.right - box.left}x${box.bottom - box.top}`;
  notes.push(`cropped to the drawing, ${size} of ${ink.width}x${ink.height} pixels`);
  const canvas = square(ink, box, fill, notes);
  const inked = mean(canvas.values);
  if (inked > MOSTLY) notes.push(`${Math.round(100 * inked)}% of it is ink: is it a line drawing?`);
  return Uint8Array.from(canvas.values, (value) => round(255 - 255 * value));
}

const longerOf = ({ width, height }) => Math.max(width, height);

function inkOf(found) {
  const threshold = Math.max(otsu(found.values), FAINTEST);
  const strong = found.values.filter((value) => value > threshold);
  if (strong.length < Math.max(FEWEST * found.values.length, 1))
    throw new Error("is blank: no line stands out from the page");
  const tone = median(strong);
  return mapped(found, (value) => Math.min(Math.max(value / tone, 0), 1));
}

// The threshold that parts values, held within [0, 1], into two classes with the greatest variance
// between them.
function otsu(values) {
  const counts = new Float64Array(256);
  for (const value of values)
    ++counts[Math.min(255, Math.floor(256 * Math.min(Math.max(value, 0), 1)))];
  const moments = counts.map((count, at) => (count * (at + 0.5)) / 256 / values.length);
  const whole = moments.reduce((sum, value) => sum + value, 0);
  let [below, moment, best, most] = [0, 0, 0, -1];
  counts.forEach((count, at) => {
    below += count / values.length;
    moment += moments[at];
    const between = (whole * below - moment) ** 2 / Math.max(below * (1 - below), 1e-9);
    if (between > most) [best, most] = [at, between];
  });
  return (best + 1) / 256;
}

function drawnBlocks(ink, block) {
  const drawn = filled(Math.ceil(ink.width / block), Math.ceil(ink.height / block), 0);
  ink.values.forEach((value, at) => {
    const [row, column] = [
      Math.floor(at / ink.width / block),
      Math.floor((at % ink.width) / block),
    ];
    drawn.values[row * drawn.width + column] += value / block ** 2;
  });
  drawn.values = drawn.values.map((amount) => (amount > INKED ? 1 : 0));
  if (longerSide(boxWhere(drawn, Boolean)) < Math.max(SMALLEST * longerOf(drawn), 1)) {
    throw new Error("is blank: there is no more than a speck on it");
  }
  return drawn;
}

// Where the drawing is, true or false for every block: not where dust and punched holes are.
function withoutSpecks(drawn, notes) {
  const longer = longerOf(drawn);
  const parts = labelled(drawn);
  const near = maximum(drawn, 2 * Math.max(1, round((GAP * longer) / 2)) + 1);
  const groups = labelled(near).numbers;
  const large = new Set();
  parts.numbers.forEach((part, at) => {
    if (part && longerSide(parts.boxes[part - 1]) > SPECK * longer) large.add(groups[at]);
  });
  if (!large.size) return Array.from(drawn.values, () => true);
  const place = Array.from(groups, (group) => large.has(group));
  const { left, top, right, bottom } = boxWhere(drawn, (value, at) => value && place[at]);
  for (let row = top; row < bottom; ++row)
    place.fill(true, row * drawn.width + left, row * drawn.width + right);
  const specks = new Set(parts.numbers.filter((part, at) => part && !place[at])).size;
  if (specks)
    notes.push(`${specks} ${specks === 1 ? "speck" : "specks"} beside the drawing left out`);
  return place;
}

function drawingBox(ink, drawn, place, block) {
  const within = boxWhere(drawn, (value, at) => value && place[at]);
  const inked = mapped(ink, (value, at) => {
    const [row, column] = [
      Math.floor(at / ink.width / block),
      Math.floor((at % ink.width) / block),
    ];
    return value > 0.5 &&
      row >= within.top &&
      row < within.bottom &&
      column >= within.left &&
      column < within.right
      ? 1
      : 0;
  });
  const { numbers, boxes } = labelled(inked);
  const smallest = DUST * lineWidth(ink);
  return boxWhere(
    inked,
    (value, at) => value && longerSide(boxes[numbers[at] - 1]) >= smallest,
  );
}

function square(ink, box, fill, notes) {
  const side = round(longerSide(box) / fill);
  const [top, left] = [
    round((box.top + box.bottom - side) / 2),
    round((box.left + box.right - side) / 2),
  ];
  const part = filled(side, side, 0);
  for (let row = Math.max(0, -top); row < Math.min(side, ink.height - top); ++row) {
    for (let column = Math.max(0, -left); column < Math.min(side, ink.width - left); ++column) {
      part.values[row * side + column] = round(
        255 * ink.values[(row + top) * ink.width + column + left],
      );
    }
  }
  const canvas = resized(part, SIZE, SIZE, CUBIC, toLevel);
  if ((lineWidth(ink) * SIZE) / side >= THINNEST) return mapped(canvas, (level) => level / 255);
  notes.push("thin lines made thicker");
  const wide = maximum(canvas, 3);
  const strong = extremes(wide.values)[1] / 2;
  const tone = median(wide.values.filter((level) => level > strong));
  return mapped(wide, (level) => Math.min(level / tone, 1));
}

// The mean width of the lines in pixels: their area over their length, which is half that of their
// edges.
export function lineWidth({ values, width }) {
  let [area, edges] = [0, 0];
  for (let at = 0; at < values.length; ++at) {
    const inked = values[at] > 0.5;
    if (inked) ++area;
    if ((at + 1) % width && inked !== values[at + 1] > 0.5) ++edges;
    if (at + width < values.length && inked !== values[at + width] > 0.5) ++edges;
  }
  return (2 * area * 4) / Math.PI / Math.max(edges, 1);
}
