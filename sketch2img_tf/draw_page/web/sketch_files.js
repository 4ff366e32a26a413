// Makes of a picture file, as people have them, a sketch as the model was trained on. It is
// inference/sketch_files.py in JavaScript, which says why, and what the numbers mean. The browser
// decodes the file, and turns the picture as its EXIF data say.
//
// Differs from it: it takes the first frame of a moving picture.

import { extract, lineWidth, SIZE } from "./line_drawing.js";
import { boxWhere, extremes, longerSide } from "./planes.js";

const MAX_PIXELS = 50_000_000;
const MAX_BYTES = 512 * 2 ** 20;
const MIN_SIDE = 16;
const WORKING_SIDE = 1024;
const FEW_LEVELS = 0.02;
const NEARLY_WHITE = 0.85;
const ALL = 0.99;
const THINNEST_SHAPE = 0.12;

// A file to black lines on white, Uint8Array [256, 256], and what was taken for granted, in words.
// Throws an Error that says why it cannot be used. `fill`: the share of the square that the
// drawing's longer side gets.
export async function readSketch(file, fill) {
  if (file.size > MAX_BYTES)
    throw new Error(`has more than ${MAX_BYTES / 2 ** 20} MB: is it a drawing? Save it as PNG`);
  return fromPixels(await decoded(file), fill);
}

// The same of the pixels of a file, an ImageData.
export function fromPixels(pixels, fill) {
  const notes = [];
  const sketch = extract(onPaper(pixels, notes), fill, notes);
  return { sketch, size: SIZE, notes };
}

async function decoded(file) {
  let picture;
  try {
    picture = await createImageBitmap(file, {
      premultiplyAlpha: "none",
      colorSpaceConversion: "none",
    });
  } catch {
    throw new Error("is not a PNG, JPEG, WebP, GIF or BMP picture, or damaged: save it as PNG");
  }
  const { width, height } = picture;
  if (width * height > MAX_PIXELS) {
    throw new Error(
      `has more than ${MAX_PIXELS / 1e6} million pixels: scale it down, 1000x1000 is plenty`,
    );
  }
  if (Math.min(width, height) < MIN_SIDE) {
    throw new Error(`is ${width}x${height} pixels: both sides should be at least ${MIN_SIDE}`);
  }
  const scale = Math.min(1, WORKING_SIDE / Math.max(width, height));
  const size = [width, height].map((side) => Math.max(1, Math.round(scale * side)));
  const context = new OffscreenCanvas(...size).getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, ...size);
  picture.close();
  return context.getImageData(0, 0, ...size);
}

// The planes of red, green and blue on white paper; of white lines on nothing, one plane of black
// lines.
function onPaper({ data, width, height }, notes) {
  const plane = (channel) => ({
    values: Float32Array.from({ length: width * height }, channel),
    width,
    height,
  });
  const opacity = plane((_, at) => data[4 * at + 3] / 255);
  if (extremes(opacity.values)[0] <= 1 - FEW_LEVELS) {
    if (areWhiteLines(data, opacity)) {
      notes.push("white lines on a transparent page: taken for black on white");
      return [plane((_, at) => 1 - opacity.values[at])];
    }
    notes.push("transparent page taken for white paper");
  }
  const onWhite = (channel) => (_, at) =>
    (data[4 * at + channel] / 255) * opacity.values[at] + 1 - opacity.values[at];
  return [0, 1, 2].map((channel) => plane(onWhite(channel)));
}

function areWhiteLines(data, opacity) {
  let [drawn, white] = [0, 0];
  opacity.values.forEach((value, at) => {
    drawn += value;
    if (Math.min(data[4 * at], data[4 * at + 1], data[4 * at + 2]) / 255 > NEARLY_WHITE)
      white += value;
  });
  if (!(drawn > 0 && drawn < opacity.values.length / 2)) return false;
  const thin =
    lineWidth(opacity) < THINNEST_SHAPE * longerSide(boxWhere(opacity, (value) => value > 0.5));
  return white / drawn > (thin ? 0.5 : ALL);
}
