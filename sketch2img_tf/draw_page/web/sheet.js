// Makes pictures to save: one enlarged, or a sheet of all. They are as page_requests.py makes them,
// with the layout of sheets/picture_grid.py.

import { CUBIC, LANCZOS, resized, toLevel } from "./resize.js";

const TIMES = 4;
const SIDE = 128; // pixels, at least: small pictures are shown larger
const MARGIN = 6;
const CAPTION = 14;

// Four times as large by Lanczos' filter, and no richer: a canvas of a photo, RGB [side, side, 3].
export function enlarged(photo, side) {
  const large = TIMES * side;
  const image = new ImageData(large, large);
  image.data.fill(255);
  for (const channel of [0, 1, 2]) {
    const values = Float32Array.from({ length: side ** 2 }, (_, at) => photo[3 * at + channel]);
    const plane = resized({ values, width: side, height: side }, large, large, LANCZOS, toLevel);
    plane.values.forEach((level, at) => (image.data[4 * at + channel] = level));
  }
  return canvasOf(image);
}

// A drawing, an ImageData, beside its photos, RGB [side, side, 3] each, and words below: a canvas.
export function contactSheet(drawing, photos, side, caption) {
  const pictures = [sketch(drawing, side), ...photos.map((photo) => canvasOf(opaque(photo, side)))];
  const shown = side * Math.max(1, Math.floor(SIDE / side));
  const sheet = blank(pictures.length * shown + 2 * MARGIN, shown + CAPTION + 2 * MARGIN);
  const context = sheet.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, sheet.width, sheet.height);
  context.imageSmoothingEnabled = false;
  pictures.forEach((picture, at) =>
    context.drawImage(picture, MARGIN + at * shown, MARGIN, shown, shown),
  );
  context.fillStyle = "black";
  context.font = "11px system-ui, sans-serif";
  context.fillText(caption, MARGIN, MARGIN + shown + CAPTION - 3);
  return sheet;
}

export function opaque(photo, side) {
  const image = new ImageData(side, side);
  for (let at = 0; at < side ** 2; ++at)
    image.data.set([photo[3 * at], photo[3 * at + 1], photo[3 * at + 2], 255], 4 * at);
  return image;
}

// Black on white, as small as the pictures.
function sketch({ data, width, height }, side) {
  const values = Float32Array.from({ length: width * height }, (_, at) => data[4 * at]);
  const small = resized({ values, width, height }, side, side, CUBIC, toLevel).values;
  const rgb = new Uint8Array(3 * side ** 2);
  small.forEach((level, at) => rgb.fill(level, 3 * at, 3 * at + 3));
  return canvasOf(opaque(rgb, side));
}

function canvasOf(image) {
  const canvas = blank(image.width, image.height);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

const blank = (width, height) =>
  Object.assign(document.createElement("canvas"), { width, height });
