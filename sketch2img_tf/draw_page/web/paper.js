// Computes how much darker than its paper every place of a page is. It is inference/paper.py in
// JavaScript, which says why, and what the numbers mean. Brightness is in [0, 1].

import { CUBIC, resized, toLevel } from "./resize.js";
import {
  blurred,
  extremes,
  mapped,
  maximum,
  mean,
  median,
  minimum,
  quantiles,
  round,
  share,
  thumbnail,
} from "./planes.js";

export const FAINTEST = 0.08;
export const MOSTLY = 0.35;

const SMALL = 128;
const WINDOW = 7;
const GREY = 2;
const BORDER = 0.02;
const EVEN = 8 / 255;
const SAME_PAPER = 0.05;
const DARK = 0.3;
const CLEARLY = 2.5;
const ONE_TONE = 0.1;
const NO_LINES = 5e-4;
const FEW = 1e-3;
const SHARE_OF_PAPER = 0.1;
const DARKEST_PAPER = 0.1;
const DARKEST_IN_CHANNEL = 0.2;
const SHADOW = 0.4;
const STRIP = 0.05;
const NOISE = 3.0;

// `channels` is one plane, or those of red, green and blue. Up to 0 is paper, 1 is black; `notes`
// takes what was found.
export function contrast(channels, notes) {
  let { brightness, smalls } = views(channels);
  const dark = smalls.map(background);
  const light = smalls.map((small) => background(mapped(small, (level) => 255 - level)));
  const isWhite = isWhiteOnBlack(brightness, dark, light, notes);
  const [whole, ...ofChannels] = isWhite ? light : dark;
  if (isWhite) {
    channels = channels.map((channel) => mapped(channel, (value) => 1 - value));
    brightness = mapped(brightness, (value) => 1 - value);
  }
  let found = contrastOfBrightness(brightness, whole, notes);
  const shown = ofChannels
    .map((channel, number) => (showsMore(channel, whole) ? number : -1))
    .filter((number) => number >= 0);
  for (const number of shown) {
    const local = localContrast(channels[number], ofChannels[number]).values;
    found = mapped(found, (value, at) => Math.max(value, local[at]));
  }
  if (shown.length) notes.push("lines told by their colour");
  return withoutStrips(found);
}

function views(channels) {
  const levels = channels.map((channel) => mapped(channel, (value) => round(255 * value)));
  const smalls = levels.map((channel) => thumbnail(channel, SMALL));
  if (channels.length === 1) return { brightness: channels[0], smalls };
  const brightness = mapped(grey(levels), (level) => level / 255);
  const coloured = smalls[0].values.some((_, at) => {
    const [least, most] = extremes(smalls.map((small) => small.values[at]));
    return most - least > GREY;
  });
  return { brightness, smalls: [grey(smalls), ...(coloured ? smalls : [])] };
}

// As Pillow's convert("L").
function grey([red, green, blue]) {
  const level = (value, at) =>
    (value * 19595 + green.values[at] * 38470 + blue.values[at] * 7471 + 0x8000) >> 16;
  return mapped(red, level);
}

function background(small) {
  const closed = minimum(maximum(small, WINDOW), WINDOW);
  const hat = mapped(small, (level, at) => (closed.values[at] - level) / 255);
  const noise = 3 * median(hat.values) + GREY / 255;
  const edge = WINDOW >> 1;
  const lines = mapped(hat, (value, at) => {
    const [row, column] = [Math.floor(at / small.width), at % small.width];
    const inside = Math.min(row, column, small.height - 1 - row, small.width - 1 - column) >= edge;
    return inside ? Math.max(value - noise, 0) : 0;
  });
  const amount = mean(lines.values);
  if (amount <= NO_LINES) return { closed, lines, tone: NaN, share: 0, support: 0 };
  const byLevel = new Float64Array(256);
  closed.values.forEach((level, at) => (byLevel[level] += lines.values[at]));
  const half = byLevel.reduce((sum, value) => sum + value, 0) / 2;
  let [tone, below] = [0, byLevel[0]];
  while (below < half) below += byLevel[++tone];
  tone /= 255;
  const part = share(small.values, (level) => Math.abs(level / 255 - tone) < ONE_TONE);
  return { closed, lines, tone, share: part, support: amount * part };
}

function isWhiteOnBlack(brightness, dark, light, notes) {
  const [least, most] = extremes(brightness.values);
  const middle = (least + most) / 2;
  const tone = median(border(brightness));
  const darkBorder = tone < middle && most - least >= FAINTEST;
  const [byDark, byLight] = [dark, light].map((each) =>
    Math.max(...each.map((view) => view.support)),
  );
  const [darkGrey, lightGrey] = [dark[0].support, light[0].support];
  let isWhite;
  if (differClearly(byDark, byLight)) {
    isWhite = byLight > byDark;
  } else if (differClearly(darkGrey, lightGrey)) {
    isWhite = lightGrey > darkGrey;
  } else {
    const mostlyDark = share(brightness.values, (value) => value > middle) <= MOSTLY;
    isWhite = darkBorder && mostlyDark && (tone < DARK || !(byDark + byLight > 0));
  }
  if (isWhite) notes.push("white on black, turned to black on white");
  else notes.push(darkBorder ? "black on white, though its border is dark" : "black on white");
  return isWhite;
}

const differClearly = (support, other) =>
  Math.max(support, other) > CLEARLY * Math.min(support, other);

// The outermost values.
function border({ values, width, height }) {
  const edge = Math.max(1, round(BORDER * Math.min(width, height)));
  return values.filter((_, at) => {
    const [row, column] = [Math.floor(at / width), at % width];
    return Math.min(row, column, height - 1 - row, width - 1 - column) < edge;
  });
}

function contrastOfBrightness(view, whole, notes) {
  const edge = border(view);
  const tone = median(edge);
  const even =
    share(edge, (value) => Math.abs(value - tone) < EVEN) > 0.8 &&
    tone >= quantiles(view.values, [1 - MOSTLY])[0] - EVEN;
  if (even && !(Math.abs(whole.tone - tone) > SAME_PAPER)) {
    const found = mapped(view, (value) => 1 - value / Math.max(tone, DARKEST_PAPER));
    const ofOtherTones = mapped(whole.closed, (level) => Math.abs(level - 255 * tone));
    const ofTone = leastHalf(ofOtherTones, () => true, view);
    const own = noise(found.values.filter((_, at) => ofTone[at] > 127));
    return mapped(found, (value) => value - own);
  }
  notes.push(even ? "paper of another tone than the border's" : "uneven light evened out");
  return localContrast(view, whole);
}

// Narrow strips all along the edges become paper: top, right, bottom, left.
function withoutStrips({ values, width, height }) {
  const edges = [
    [height, width, (line, at) => line * width + at],
    [width, height, (line, at) => at * width + width - 1 - line],
    [height, width, (line, at) => (height - 1 - line) * width + at],
    [width, height, (line, at) => at * width + line],
  ];
  for (const [lines, length, place] of edges) {
    const isStrip = (line) => {
      let dark = 0;
      for (let at = 0; at < length; ++at) if (values[place(line, at)] > FAINTEST) ++dark;
      return dark / length > 0.9;
    };
    for (let line = 0; line < round(STRIP * lines) && isStrip(line); ++line) {
      for (let at = 0; at < length; ++at) values[place(line, at)] = 0;
    }
  }
  return { values, width, height };
}

function showsMore(channel, whole) {
  const more = (value, at) => value - whole.lines.values[at] > FAINTEST;
  const showsLines = channel.share > SHARE_OF_PAPER && channel.tone > DARKEST_IN_CHANNEL;
  return showsLines && share(channel.lines.values, more) > FEW;
}

function localContrast(view, { closed, tone, share: ofPaper }) {
  let darkest = SHADOW * quantiles(closed.values, [0.9])[0];
  if (ofPaper > SHARE_OF_PAPER) darkest = Math.min(darkest, 255 * (tone - ONE_TONE));
  darkest = Math.max(darkest, 255 * DARKEST_PAPER);
  const onPaper = mapped(closed, (level, at) => {
    const [row, column] = [Math.floor(at / closed.width), at % closed.width];
    const edge = Math.min(row, column, closed.height - 1 - row, closed.width - 1 - column) === 0;
    return !edge && level >= darkest ? 255 : 0;
  });
  const paper = minimum(onPaper, WINDOW);
  const darker = blurred(minimum(blurred(closed), 5));
  const [smooth, place] = [darker, paper].map((small) => atSize(small, view));
  const found = mapped(view, (value, at) => 1 - (255 * value) / Math.max(smooth[at], darkest));
  const besideEdges = mapped(closed, (level, at) => level - darker.values[at]);
  const even = leastHalf(besideEdges, (at) => paper.values[at] > 0, view);
  const own = noise(found.values.filter((_, at) => even[at] > 127));
  return mapped(found, (value, at) => (place[at] > 127 ? value - own : 0));
}

const atSize = (small, { width, height }) => resized(small, width, height, CUBIC, toLevel).values;

function leastHalf(values, isInside, view) {
  const inside = values.values.filter((_, at) => isInside(at));
  const middle = inside.length ? median(inside) : -1;
  const half = mapped(values, (value, at) => (isInside(at) && value <= middle ? 255 : 0));
  return atSize(half, view);
}

function noise(values) {
  if (!values.length) return 0;
  const [bright, typical] = quantiles(values, [0.1, 0.4]);
  return typical + NOISE * (typical - bright);
}
