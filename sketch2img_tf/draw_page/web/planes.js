// The functions of NumPy, Pillow and SciPy that paper.js and line_drawing.js need. A plane is one
// channel: `values`, rows of `width`.

import { BOX, resized, toLevel } from "./resize.js";

export const filled = (width, height, value) => ({
  values: new Float32Array(width * height).fill(value),
  width,
  height,
});

export const mapped = (plane, act) => ({ ...plane, values: plane.values.map(act) });

export function mean(values) {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

export function share(values, holds) {
  let count = 0;
  for (let at = 0; at < values.length; ++at) if (holds(values[at], at)) ++count;
  return count / values.length;
}

export function extremes(values) {
  let [least, most] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return [least, most];
}

// Values below which these shares of all are, between the nearest two.
export function quantiles(values, shares) {
  const sorted = Float32Array.from(values).sort();
  return shares.map((part) => {
    const place = part * (sorted.length - 1);
    const below = Math.floor(place);
    const above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
  });
}

export const median = (values) => quantiles(values, [0.5])[0];

// To the nearest whole number, of two to the even one, as Python and NumPy round.
export function round(value) {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 ? below + 1 : below;
}

export function transposed({ values, width, height }) {
  const turned = new Float32Array(values.length);
  for (let row = 0; row < height; ++row) {
    for (let column = 0; column < width; ++column)
      turned[column * height + row] = values[row * width + column];
  }
  return { values: turned, width: height, height: width };
}

// The greatest of every window of `side`, or the least: Pillow's MaxFilter and MinFilter.
export const maximum = (plane, side) => windowed(plane, side, Math.max);
export const minimum = (plane, side) => windowed(plane, side, Math.min);

function windowed(plane, side, better) {
  const across = (each) => {
    const values = new Float32Array(each.values.length);
    const reach = side >> 1;
    for (let row = 0; row < each.height; ++row) {
      const start = row * each.width;
      for (let column = 0; column < each.width; ++column) {
        const stop = Math.min(column + reach, each.width - 1);
        let best = each.values[start + column];
        for (let at = Math.max(column - reach, 0); at <= stop; ++at)
          best = better(best, each.values[start + at]);
        values[start + column] = best;
      }
    }
    return { ...each, values };
  };
  return transposed(across(transposed(across(plane))));
}

// Pillow's GaussianBlur(1): three times a box of half a pixel beside each, in levels.
export function blurred(plane) {
  const across = ({ values, width, height }) => {
    const blurredValues = values.map((value, at) => {
      const column = at % width;
      const left = values[column ? at - 1 : at];
      const right = values[column < width - 1 ? at + 1 : at];
      return toLevel((left + 4 * value + right) / 6);
    });
    return { values: blurredValues, width, height };
  };
  const thrice = (each) => across(across(across(each)));
  return transposed(thrice(transposed(thrice(plane))));
}

// Pillow's thumbnail(BOX) of levels: the longer side of at most `side`.
export function thumbnail(plane, side) {
  const { width, height } = plane;
  if (side >= width && side >= height) return plane;
  const aspect = width / height;
  const nearest = (number, distance) => {
    const [low, high] = [Math.floor(number), Math.ceil(number)];
    return Math.max(distance(high) < distance(low) ? high : low, 1);
  };
  const size =
    aspect <= 1
      ? [nearest(side * aspect, (n) => Math.abs(aspect - n / side)), side]
      : [side, nearest(side / aspect, (n) => (n ? Math.abs(aspect - side / n) : 0))];
  const [across, down] = [
    Math.floor(width / size[0] / 2) || 1,
    Math.floor(height / size[1] / 2) || 1,
  ];
  return resized(reduced(plane, across, down), ...size, BOX, toLevel, [
    width / across,
    height / down,
  ]);
}

// The means of blocks.
function reduced({ values, width, height }, across, down) {
  const small = filled(Math.ceil(width / across), Math.ceil(height / down), 0);
  small.values.forEach((_, at) => {
    const [left, top] = [(at % small.width) * across, Math.floor(at / small.width) * down];
    const [right, bottom] = [Math.min(left + across, width), Math.min(top + down, height)];
    let sum = 0;
    for (let row = top; row < bottom; ++row) {
      for (let column = left; column < right; ++column) sum += values[row * width + column];
    }
    small.values[at] = toLevel(sum / ((right - left) * (bottom - top)));
  });
  return small;
}

// Numbers from 1 on for what touches, at corners too; 0 where nothing is. And the boxes of each, in
// that order.
export function labelled({ values, width, height }) {
  const numbers = new Int32Array(values.length);
  const boxes = [];
  const waiting = [];
  for (let first = 0; first < values.length; ++first) {
    if (!values[first] || numbers[first]) continue;
    const box = { left: width, top: height, right: 0, bottom: 0 };
    boxes.push(box);
    numbers[first] = boxes.length;
    waiting.push(first);
    while (waiting.length) {
      const at = waiting.pop();
      const [row, column] = [Math.floor(at / width), at % width];
      widen(box, row, column);
      for (let y = Math.max(row - 1, 0); y <= Math.min(row + 1, height - 1); ++y) {
        for (let x = Math.max(column - 1, 0); x <= Math.min(column + 1, width - 1); ++x) {
          const beside = y * width + x;
          if (values[beside] && !numbers[beside]) {
            numbers[beside] = boxes.length;
            waiting.push(beside);
          }
        }
      }
    }
  }
  return { numbers, boxes };
}

// The box of where it holds, right and bottom left out; null where it holds nowhere.
export function boxWhere({ values, width, height }, holds) {
  const box = { left: width, top: height, right: 0, bottom: 0 };
  for (let at = 0; at < values.length; ++at)
    if (holds(values[at], at)) widen(box, Math.floor(at / width), at % width);
  return box.right ? box : null;
}

function widen(box, row, column) {
  box.left = Math.min(box.left, column);
  box.top = Math.min(box.top, row);
  box.right = Math.max(box.right, column + 1);
  box.bottom = Math.max(box.bottom, row + 1);
}

export const longerSide = (box) => (box ? Math.max(box.right - box.left, box.bottom - box.top) : 0);
