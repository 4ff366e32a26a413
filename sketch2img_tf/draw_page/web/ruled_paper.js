// The printed rules of lined and graph paper taken away: inference/ruled_paper.py in JavaScript,
// which says why and keeps the numbers' meanings.

import { median, quantiles, round, transposed } from "./planes.js";

const FAINTEST = 0.03;
const STEEPEST = 0.06;
const SLOPES = Array.from({ length: 61 }, (_, at) => -STEEPEST + (at * 2 * STEEPEST) / 60);
const LONG = 0.5;
const ALIKE = 0.7;
const ACROSS = 0.85;
const BAND = 0.3;
const FEWEST = 7;
const EVEN = 0.15;
const THICKEST = 0.4;
const DARKER = 1.5;
const LIKE_RULES = 0.6;
const REACH = 2;

export function withoutRules(contrast, notes) {
  let [level, slope] = levelRules(contrast);
  let plain = without(contrast, level, slope);
  let [upright, uprightSlope] = levelRules(transposed(plain));
  if (level.length && !upright.length)
    [upright, uprightSlope] = [margin(transposed(plain), -slope), -slope];
  plain = transposed(without(transposed(plain), upright, uprightSlope));
  if (upright.length && !level.length) {
    level = margin(plain, -uprightSlope);
    plain = without(plain, level, -uprightSlope);
  }
  if (level.length || upright.length) {
    const isGraph = Math.min(level.length, upright.length) >= FEWEST;
    notes.push(`${isGraph ? "graph" : "lined"} paper: its rules left out`);
  }
  return plain;
}

// Bands [start, stop] of the rules from left to right, none if there are few, and their slope.
function levelRules(contrast) {
  const places = notPaper(contrast);
  if (places.length < LONG * ALIKE * contrast.width * FEWEST) return [[], 0];
  let [slope, most] = [0, -1];
  for (const each of SLOPES) {
    const counts = new Float64Array(contrast.height);
    const offset = offsets(each, contrast.width);
    for (const at of places) ++counts[levelRow(at, offset, contrast)];
    const unequal = counts.reduce((sum, count) => sum + count * count, 0);
    if (unequal > most) [slope, most] = [each, unequal];
  }
  const share = covered(places, slope, contrast);
  const longest = Math.max(...share);
  const bands = bandsOf(share, ALIKE * longest);
  return [longest >= LONG && areRules(bands) ? bands : [], slope];
}

const margin = (contrast, slope) => bandsOf(covered(notPaper(contrast), slope, contrast), ACROSS);

function notPaper({ values }) {
  const places = [];
  for (let at = 0; at < values.length; ++at) if (values[at] > FAINTEST) places.push(at);
  return places;
}

const offsets = (slope, width) =>
  Array.from({ length: width }, (_, column) => round(slope * (column - width / 2)));

function levelRow(at, offset, { width, height }) {
  return clipped(Math.floor(at / width) - offset[at % width], height);
}

const clipped = (row, height) => Math.min(Math.max(row, 0), height - 1);

function without(contrast, bands, slope) {
  if (!bands.length) return contrast;
  const { width, height } = contrast;
  const offset = offsets(slope, width);
  const place = (row, column) => clipped(row + offset[column], height) * width + column;
  const level = (row, column) => contrast.values[place(row, column)];
  const greatest = (start, stop, column) => {
    let most = 0;
    for (let row = Math.max(start, 0); row < Math.min(stop, height); ++row)
      most = Math.max(most, level(row, column));
    return most;
  };
  const columns = Array.from({ length: width }, (_, column) => column);
  const tones = bands.map(([start, stop]) =>
    median(columns.map((column) => greatest(start, stop, column))),
  );
  const tone = median(tones);
  const values = contrast.values.slice();
  for (const [start, stop] of bands) {
    for (const column of columns) {
      const beside = Math.max(
        greatest(start - REACH, start, column),
        greatest(stop, stop + REACH, column),
      );
      const crossed = beside > Math.max(LIKE_RULES * tone, FAINTEST);
      for (let row = start; row < stop; ++row) {
        if (!crossed && level(row, column) <= DARKER * tone + FAINTEST)
          values[place(row, column)] = 0;
      }
    }
  }
  return { ...contrast, values };
}

function covered(places, slope, contrast) {
  const { width, height } = contrast;
  const offset = offsets(slope, width);
  const level = new Uint8Array((height + 2) * width);
  for (const at of places) level[(levelRow(at, offset, contrast) + 1) * width + (at % width)] = 1;
  const share = Array.from({ length: height }, (_, row) => {
    let count = 0;
    for (let at = row * width; at < (row + 1) * width; ++at)
      count += level[at] | level[at + width] | level[at + 2 * width];
    return count / width;
  });
  const usual = median(share);
  return share.map((value) => Math.max(value - usual, 0));
}

function bandsOf(share, least) {
  const longest = Math.max(...share);
  const bands = [];
  let start = -1;
  [...share, 0].forEach((value, row) => {
    const inside = row < share.length && value > BAND * longest;
    if (inside && start < 0) start = row;
    if (inside || start < 0) return;
    if (Math.max(...share.slice(start, row)) >= least) bands.push([start, row]);
    start = -1;
  });
  return bands;
}

function areRules(bands) {
  if (bands.length < FEWEST) return false;
  const middles = bands.map(([start, stop]) => (start + stop) / 2);
  const gaps = middles.slice(1).map((middle, at) => middle - middles[at]);
  const [spacing] = quantiles(gaps, [0.5]);
  const even = gaps.filter((gap) => {
    const apart = gap / spacing;
    return Math.abs(apart - round(apart)) * spacing < Math.max(EVEN * spacing, 1.5);
  });
  return (
    even.length / gaps.length > 0.8 &&
    median(bands.map(([start, stop]) => stop - start)) <= THICKEST * spacing
  );
}
