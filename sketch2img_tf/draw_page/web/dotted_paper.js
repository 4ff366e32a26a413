// Removes the printed dots of dotted paper. It is inference/dotted_paper.py in JavaScript, which
// says why, and what the numbers mean.

import { labelled, longerSide, mapped, median } from "./planes.js";
import { isDrawnOn } from "./ruled_paper.js";

const FAINTEST = 0.03;
const LARGEST = 0.02;
const SMALLEST = 3;
const ALIKE = 3;
const DARKER = 1.5;
const FEWEST = 7;
const MOST = 4000;
const EVEN = 0.25;
const SQUARE = 0.8;
const FULL = 0.5;

export function withoutDots(contrast, notes) {
  const { numbers, boxes } = labelled(mapped(contrast, (value) => (value > FAINTEST ? 1 : 0)));
  if (boxes.length < FEWEST ** 2) return contrast;
  const parts = boxes.map((box) => ({ box, size: 0, x: 0, y: 0, darkest: 0 }));
  numbers.forEach((number, at) => {
    if (!number) return;
    const part = parts[number - 1];
    ++part.size;
    part.x += at % contrast.width;
    part.y += Math.floor(at / contrast.width);
    part.darkest = Math.max(part.darkest, contrast.values[at]);
  });
  const dots = dotsAmong(parts, Math.max(contrast.width, contrast.height));
  if (dots.length < FEWEST ** 2 || dots.length > MOST) return contrast;
  const spacing = lookAround(dots);
  const even = dots.filter((dot) => dot.isEven);
  if (!areGrid(even, spacing)) return contrast;
  const tone = median(even.map((dot) => dot.darkest));
  const printed = dots.filter((dot) => dot.isBeside && dot.darkest <= DARKER * tone + FAINTEST);
  const left = new Set(printed);
  const plain = mapped(contrast, (value, at) =>
    numbers[at] && left.has(parts[numbers[at] - 1]) ? 0 : value,
  );
  if (!isDrawnOn(plain, tone)) {
    notes.push("even dots as of dotted paper kept: nothing darker is drawn on them");
    return contrast;
  }
  notes.push("dotted paper: its dots left out");
  return plain;
}

// The parts that are small and alike; x and y become their centres.
function dotsAmong(parts, longer) {
  const small = parts.filter(
    ({ box, size }) => longerSide(box) <= Math.max(SMALLEST, LARGEST * longer) && size >= SMALLEST,
  );
  if (!small.length) return [];
  const usual = median(small.map(({ size }) => size));
  const dots = small.filter(({ size }) => size <= ALIKE * usual && size * ALIKE >= usual);
  for (const dot of dots) {
    dot.x /= dot.size;
    dot.y /= dot.size;
  }
  return dots;
}

// Marks the dots that have neighbours as dots of a grid have, and those that have one at all; gives
// the spacing.
function lookAround(dots) {
  const distance = (one, other) => Math.hypot(one.x - other.x, one.y - other.y);
  for (const dot of dots) {
    dot.nearest = Infinity;
    for (const other of dots)
      if (other !== dot) dot.nearest = Math.min(dot.nearest, distance(dot, other));
  }
  const spacing = median(dots.map((dot) => dot.nearest));
  for (const dot of dots) {
    let [count, across, down] = [0, 0, 0];
    for (const other of dots) {
      const far = distance(dot, other);
      if (Math.abs(far - spacing) >= EVEN * spacing) continue;
      const direction = 4 * Math.atan2(other.y - dot.y, other.x - dot.x);
      ++count;
      across += Math.cos(direction);
      down += Math.sin(direction);
    }
    const isAlone = dot.nearest > (1 - EVEN) * spacing;
    dot.isEven = count >= 2 && isAlone && Math.hypot(across, down) >= SQUARE * count;
    dot.isBeside = count >= 1;
  }
  return spacing;
}

function areGrid(dots, spacing) {
  if (dots.length < FEWEST ** 2) return false;
  const along = (places) => (Math.max(...places) - Math.min(...places)) / spacing + 1;
  const [rows, columns] = [along(dots.map((dot) => dot.y)), along(dots.map((dot) => dot.x))];
  return Math.min(rows, columns) > FEWEST - 0.5 && dots.length > FULL * rows * columns;
}
