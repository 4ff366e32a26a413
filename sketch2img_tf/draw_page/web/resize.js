// Resizes pictures as TensorFlow and Pillow do. A plane is one channel: `values`, rows of `width`.

// One channel in another size. `kernel` is one of distances, 0 from `support` on; on the way down
// it is stretched, so that every value counts. `round` is what becomes of each sum, across and
// down; `span` what of either side is shown.
export function resized(
  plane,
  width,
  height,
  [kernel, support],
  round = (value) => value,
  span = [plane.width, plane.height],
) {
  const across = new Float32Array(width * plane.height);
  weights(plane.width, width, kernel, support, span[0]).forEach(({ start, shares }, column) => {
    for (let row = 0; row < plane.height; ++row) {
      let sum = 0;
      for (let at = 0; at < shares.length; ++at)
        sum += shares[at] * plane.values[row * plane.width + start + at];
      across[row * width + column] = round(sum);
    }
  });
  const values = new Float32Array(width * height);
  weights(plane.height, height, kernel, support, span[1]).forEach(({ start, shares }, row) => {
    for (let column = 0; column < width; ++column) {
      let sum = 0;
      for (let at = 0; at < shares.length; ++at)
        sum += shares[at] * across[(start + at) * width + column];
      values[row * width + column] = round(sum);
    }
  });
  return { values, width, height };
}

// How much of each of `length` values counts for each of `size` new ones: the first value, and
// shares that add up to 1.
function weights(length, size, kernel, support, span) {
  const scale = span / size;
  const stretch = Math.max(scale, 1);
  return Array.from({ length: size }, (_, index) => {
    const middle = (index + 0.5) * scale;
    const start = Math.max(0, Math.floor(middle - support * stretch + 0.5));
    const stop = Math.min(length, Math.floor(middle + support * stretch + 0.5));
    const values = Array.from({ length: stop - start }, (_, at) =>
      kernel((start + at + 0.5 - middle) / stretch),
    );
    const sum = values.reduce((total, value) => total + value, 0);
    return { start, shares: values.map((value) => value / sum) };
  });
}

export const TRIANGLE = [(x) => Math.max(0, 1 - Math.abs(x)), 1];
export const BOX = [(x) => (x > -0.5 && x <= 0.5 ? 1 : 0), 0.5];
export const CUBIC = [cubic, 2]; // Catmull and Rom's, Pillow's BICUBIC

export const LANCZOS = [(x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0), 3]; // Pillow's

const sinc = (x) => (x ? Math.sin(Math.PI * x) / (Math.PI * x) : 1);

function cubic(x) {
  const far = Math.abs(x);
  if (far < 1) return (1.5 * far - 2.5) * far * far + 1;
  return far < 2 ? ((-0.5 * far + 2.5) * far - 4) * far + 2 : 0;
}

// A level of 0 to 255, as Pillow keeps every sum.
export const toLevel = (value) => Math.min(255, Math.max(0, Math.floor(value + 0.5)));

// A square drawing, the ImageData of black lines on white, as the model takes it: Uint8Array [size,
// size]. Its greys are ITU-R BT.601's, and it is resized as preprocessing.resize does.
export function forModel({ data, width, height }, size) {
  const values = new Float32Array(width * height);
  for (let at = 0; at < values.length; ++at) {
    values[at] = 0.299 * data[4 * at] + 0.587 * data[4 * at + 1] + 0.114 * data[4 * at + 2];
  }
  return Uint8Array.from(
    resized({ values, width, height }, size, size, TRIANGLE).values,
    Math.round,
  );
}
