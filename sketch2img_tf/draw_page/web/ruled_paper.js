// Removes the printed rules of lined and graph paper. It is inference/ruled_paper.py in JavaScript,
// which says why, and what the numbers mean.

import { median, round, share, transposed } from "./planes.js";

const FAINTEST = 0.03;
const STEEPEST_STRAIGHT = 0.06;
const SLOPES = spaced(STEEPEST_STRAIGHT, 61);
const LONG = 0.5;
const ALIKE = 0.7;
const ACROSS = 0.85;
const BAND = 0.3;
const FEWEST = 7;
const EVEN = 0.15;
const BESIDE = 3;
const THICKEST = 0.4;
const DARKER = 1.5;
const LIKE_RULES = 0.6;
const REACH = 2;

const STRIPS = 48;
const STEEPEST = 0.12;
const STEPS = spaced(1, 13);
const STRETCH = 0.004;
const STRETCHES = spaced(STRETCH, 5);
const LIKELIER = 0.02;
const TRIED = STEPS.flatMap((step) =>
  STRETCHES.map((stretch) => ({
    step,
    stretch,
    far: Math.abs(step) + Math.abs(stretch) / STRETCH,
  })),
).sort((one, other) => one.far - other.far);
const STEADY = 0.5;

const CLEARLY_DARKER = 1.3;
const DRAWN = 5e-4;
const KEPT = "even lines as of ruled paper kept: nothing darker is drawn on them";

export function withoutRules(contrast, notes) {
  const level = printed(contrast, levelRules(contrast), notes);
  let plain = without(contrast, level);
  let turned = transposed(plain);
  const upright = printed(turned, levelRules(turned), notes);
  turned = without(turned, upright);
  if (level && !upright) turned = without(turned, printed(turned, margin(turned), []));
  plain = transposed(turned);
  if (upright && !level) plain = without(plain, printed(plain, margin(plain), []));
  if (level || upright)
    notes.push(`${level && upright ? "graph" : "lined"} paper: its rules left out`);
  return plain;
}

export const isDrawnOn = (plain, tone) =>
  share(plain.values, (value) => value > CLEARLY_DARKER * tone) > DRAWN;

function printed(contrast, rules, notes) {
  if (!rules || isDrawnOn(without(contrast, rules), rules.tone)) return rules;
  if (!notes.includes(KEPT)) notes.push(KEPT);
  return null;
}

// { bands, course, tone }; a course is where each level row is, Int32Array [H, W] of places.
function levelRules(contrast) {
  const inked = inkedPlaces(contrast);
  if (inked.length < LONG * ALIKE * contrast.width * FEWEST) return null;
  const slope = slopeOf(inked, contrast, (counts) =>
    counts.reduce((sum, count) => sum + count * count, 0),
  );
  const down = straight(slope, contrast.width);
  const found = [course(down, null, contrast), bent(contrast, down)]
    .filter(Boolean)
    .map((each) => ({ course: each, covered: coveredOf(contrast, each) }))
    .map((each) => ({ ...each, longest: Math.max(...each.covered) }))
    .reduce((best, each) => (each.longest > best.longest ? each : best));
  const bands = bandsOf(found.covered, ALIKE * found.longest);
  if (found.longest < LONG || !areRules(bands)) return null;
  return rulesOf(contrast, andShorter(bands, bandsOf(found.covered, 0)), found.course);
}

function margin(contrast) {
  const inked = inkedPlaces(contrast);
  const slope = slopeOf(inked, contrast, (counts) => Math.max(...counts));
  const found = course(straight(slope, contrast.width), null, contrast);
  const bands = bandsOf(coveredOf(contrast, found), ACROSS);
  return bands.length ? rulesOf(contrast, bands, found) : null;
}

// The greatest contrast of level rows in a column; 0 without rows.
function greatest(contrast, course, start, stop, column) {
  let most = 0;
  for (let row = Math.max(start, 0); row < Math.min(stop, contrast.height); ++row)
    most = Math.max(most, contrast.values[course[row * contrast.width + column]]);
  return most;
}

function rulesOf(contrast, bands, course) {
  const columns = Array.from({ length: contrast.width }, (_, column) => column);
  const tones = bands.map(([start, stop]) =>
    median(columns.map((column) => greatest(contrast, course, start, stop, column))),
  );
  return { bands, course, tone: median(tones) };
}

function without(contrast, rules) {
  if (!rules) return contrast;
  const { bands, course, tone } = rules;
  const values = contrast.values.slice();
  for (const [start, stop] of bands) {
    for (let column = 0; column < contrast.width; ++column) {
      const beside = Math.max(
        greatest(contrast, course, start - REACH, start, column),
        greatest(contrast, course, stop, stop + REACH, column),
      );
      if (beside > Math.max(LIKE_RULES * tone, FAINTEST)) continue;
      for (let row = start; row < stop; ++row) {
        const place = course[row * contrast.width + column];
        if (contrast.values[place] <= DARKER * tone + FAINTEST) values[place] = 0;
      }
    }
  }
  return { ...contrast, values };
}

function inkedPlaces({ values }) {
  const places = [];
  for (let at = 0; at < values.length; ++at) if (values[at] > FAINTEST) places.push(at);
  return places;
}

function slopeOf(inked, { width, height }, measure) {
  let [slope, most] = [0, -1];
  for (const each of SLOPES) {
    const down = straight(each, width).map(round);
    const counts = new Float64Array(height);
    for (const at of inked) ++counts[clipped(Math.floor(at / width) - down[at % width], height)];
    const amount = measure(counts);
    if (amount > most) [slope, most] = [each, amount];
  }
  return slope;
}

const straight = (slope, width) =>
  Array.from({ length: width }, (_, column) => slope * (column - width / 2));

function course(down, stretch, { width, height }) {
  const places = new Int32Array(width * height);
  for (let row = 0; row < height; ++row) {
    for (let column = 0; column < width; ++column) {
      const further = stretch ? stretch[column] * (row - height / 2) : 0;
      places[row * width + column] =
        clipped(round(row + down[column] + further), height) * width + column;
    }
  }
  return places;
}

const clipped = (row, height) => Math.min(Math.max(row, 0), height - 1);

// The course of rules that are followed from strip to strip of the page; null if there are few.
function bent(contrast, down) {
  const { width, height } = contrast;
  if (width < 2 * STRIPS) return null;
  const straightCourse = course(down, null, contrast);
  const thick = thickRows(contrast, straightCourse);
  const edges = Array.from({ length: STRIPS + 1 }, (_, at) => round((at * width) / STRIPS));
  const profiles = edges
    .slice(1)
    .map((stop, at) =>
      Float64Array.from({ length: height }, (_, row) =>
        meanOf(thick, row * width, edges[at], stop),
      ),
    );
  const lines = profiles.map(linesOf);
  const first = lines.indexOf(Math.max(...lines));
  if (lines[first] < FEWEST) return null;
  const places = Array.from({ length: STRIPS }, () => [0, 0]);
  const reference = profiles[first].slice();
  const onwards = (step) => {
    let [place, pace] = [
      [0, 0],
      [0, 0],
    ];
    for (let strip = first + step; strip >= 0 && strip < STRIPS; strip += step) {
      const expected = place.map((value, at) => value + pace[at]);
      const { found, moved } = followed(profiles[strip], reference, expected, width / STRIPS);
      pace = pace.map((value, at) => STEADY * value + (1 - STEADY) * (found[at] - place[at]));
      places[strip] = place = found;
      moved.forEach((value, row) => (reference[row] += value));
    }
  };
  onwards(1);
  onwards(-1);
  const middles = edges.slice(1).map((stop, at) => (edges[at] + stop) / 2);
  const middle = height >> 1;
  const along = (which) =>
    Array.from({ length: width }, (_, column) =>
      between(middles, places, which, column),
    );
  const further = along(0).map(
    (value, column) =>
      value + Math.floor(straightCourse[middle * width + column] / width) - middle,
  );
  return course(further, along(1), contrast);
}

function meanOf(thick, row, start, stop) {
  let sum = 0;
  for (let column = start; column < stop; ++column) sum += thick[row + column];
  return sum / (stop - start);
}

function linesOf(profile) {
  let count = 0;
  for (let row = 1; row < profile.length; ++row)
    if (profile[row] > 0.5 && profile[row - 1] <= 0.5) ++count;
  return count;
}

// What is between the values of the strips whose middles are left and right of a column.
function between(middles, places, which, column) {
  if (column <= middles[0]) return places[0][which];
  const next = middles.findIndex((middle) => middle > column);
  if (next < 0) return places.at(-1)[which];
  const part = (column - middles[next - 1]) / (middles[next] - middles[next - 1]);
  return places[next - 1][which] + part * (places[next][which] - places[next - 1][which]);
}

function followed(profile, reference, expected, width) {
  const usual = median(reference);
  let best = { amount: -1 };
  for (const { step, stretch, far } of TRIED) {
    const found = [expected[0] + STEEPEST * width * step, expected[1] + stretch];
    const moved = movedProfile(profile, found);
    const likeness = moved.reduce((sum, value, row) => sum + value * (reference[row] - usual), 0);
    const amount = Math.max(likeness, 0) * (1 - LIKELIER * far);
    if (amount > best.amount) best = { amount, found, moved };
  }
  return best;
}

function movedProfile(profile, [down, stretch]) {
  const last = profile.length - 1;
  return profile.map((_, row) => {
    const place = Math.min(Math.max(row + down + stretch * (row - profile.length / 2), 0), last);
    const below = Math.floor(place);
    return profile[below] + (place - below) * (profile[Math.min(below + 1, last)] - profile[below]);
  });
}

// Which places of the level rows are inked, with the two rows beside each: 0 or 1.
function thickRows({ values, width, height }, course) {
  const inked = new Uint8Array((height + 2) * width);
  course.forEach((place, at) => (inked[at + width] = values[place] > FAINTEST));
  return new Uint8Array(width * height).map(
    (_, at) => inked[at] | inked[at + width] | inked[at + 2 * width],
  );
}

function coveredOf(contrast, course) {
  const { width, height } = contrast;
  const thick = thickRows(contrast, course);
  const shares = Array.from({ length: height }, (_, row) => meanOf(thick, row * width, 0, width));
  const usual = median(shares);
  return shares.map((value) => Math.max(value - usual, 0));
}

function bandsOf(covered, least) {
  const longest = Math.max(...covered);
  const bands = [];
  let start = -1;
  [...covered, 0].forEach((value, row) => {
    const inside = row < covered.length && value > BAND * longest;
    if (inside && start < 0) start = row;
    if (inside || start < 0) return;
    if (Math.max(...covered.slice(start, row)) >= least) bands.push([start, row]);
    start = -1;
  });
  return bands;
}

function areRules(bands) {
  if (bands.length < FEWEST) return false;
  const middles = bands.map(([start, stop]) => (start + stop) / 2);
  const gaps = middles.slice(1).map((middle, at) => middle - middles[at]);
  const even = gaps.filter((gap, at) => {
    const spacing = median(gaps.slice(Math.max(at - BESIDE, 0), at + BESIDE + 1));
    const apart = gap / spacing;
    return Math.abs(apart - round(apart)) * spacing < Math.max(EVEN * spacing, 1.5);
  });
  return (
    even.length / gaps.length > 0.8 &&
    median(bands.map(([start, stop]) => stop - start)) <= THICKEST * median(gaps)
  );
}

function andShorter(bands, all) {
  const middle = ([start, stop]) => (start + stop) / 2;
  const middles = bands.map(middle);
  const spacing = median(middles.slice(1).map((each, at) => each - middles[at]));
  const isBeside = (band) => {
    const away = Math.min(...middles.map((each) => Math.abs(each - middle(band))));
    return Math.abs(away - spacing) < Math.max(EVEN * spacing, 1.5);
  };
  return all.filter((band) => middles.includes(middle(band)) || isBeside(band));
}

function spaced(most, count) {
  return Array.from({ length: count }, (_, at) => -most + (at * 2 * most) / (count - 1));
}
