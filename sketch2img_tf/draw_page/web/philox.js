// The noise that the exported models draw from a seed: tf.random.stateless_normal(shape, [seed, 0],
// alg="philox").
//
// Philox4x32-10 is by Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", 2011; key and
// counter are mixed from the seed as TensorFlow's stateless_random_ops.cc does, and pairs of
// numbers become normal by Box and Muller.

const MULTIPLIERS = [0xd2511f53, 0xcd9e8d57];
const WEYL = [0x9e3779b9, 0xbb67ae85];
const ROUNDS = 10;
const SCRAMBLING_KEY = [0x3ec8f720, 0x02461e29];
const SMALLEST = Math.fround(1e-7); // of what a logarithm is taken of

// N(0, 1), Float32Array of `count`; `seed` is an integer, at most 2^53 in size.
export function normal(count, seed) {
  const bits = BigInt.asUintN(64, BigInt(seed));
  const mixed = block([Number(bits & 0xffffffffn), Number(bits >> 32n), 0, 0], SCRAMBLING_KEY);
  const key = [mixed[0], mixed[1]];
  const values = new Float32Array(count + 3);
  for (let at = 0; at < count; at += 4) {
    const random = block([at / 4, 0, mixed[2], mixed[3]], key);
    boxMuller(random[0], random[1], values, at);
    boxMuller(random[2], random[3], values, at + 2);
  }
  return values.subarray(0, count);
}

// Noise on the arc from one to another, as `between` of inference/litert_model.py has it.
export function between(first, second, share) {
  const dot = (a, b) => a.reduce((sum, value, at) => sum + value * b[at], 0);
  const cosine = dot(first, second) / Math.sqrt(dot(first, first) * dot(second, second));
  const angle = Math.acos(Math.min(Math.max(cosine, -1), 1));
  if (angle < 1e-3) return first;
  const [a, b] = [1 - share, share].map((part) => Math.sin(part * angle) / Math.sin(angle));
  return first.map((value, at) => a * value + b * second[at]);
}

// Four random 32-bit numbers from a counter of four and a key of two.
export function block(counter, key) {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; ++round) {
    const high0 = highOfProduct(MULTIPLIERS[0], c0);
    const high1 = highOfProduct(MULTIPLIERS[1], c2);
    const low0 = Math.imul(MULTIPLIERS[0], c0);
    const low1 = Math.imul(MULTIPLIERS[1], c2);
    [c0, c1, c2, c3] = [high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0];
    k0 = (k0 + WEYL[0]) | 0;
    k1 = (k1 + WEYL[1]) | 0;
  }
  return [c0 >>> 0, c1 >>> 0, c2 >>> 0, c3 >>> 0];
}

// The upper 32 bits of a product of two unsigned numbers of 32 bits, by halves, which doubles hold
// exactly.
function highOfProduct(a, b) {
  const [aLow, aHigh, bLow, bHigh] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  return aHigh * bHigh + (middle >>> 16) + ((aLow * bHigh + (middle & 0xffff)) >>> 16);
}

function boxMuller(first, second, values, at) {
  const radius = Math.sqrt(-2 * Math.log(Math.max(uniform(first), SMALLEST)));
  const angle = 2 * Math.PI * uniform(second);
  values[at] = Math.sin(angle) * radius;
  values[at + 1] = Math.cos(angle) * radius;
}

// In [0, 1), by the 23 lowest bits, as the digits of a float32.
function uniform(bits) {
  return (bits & 0x7fffff) / 0x800000;
}
