// Elementwise operators on f32.
import { defineFunction } from './functions.js';
import { floatParam, param, walkBox, type Kernel } from './shader.js';

// In the order of engine/gpu/elementwise.cc. NaN spreads through WGSL's min and max or does not, as
// the driver likes.
const BINARY = [
  'x + y',
  'x - y',
  'x * y',
  'x / y',
  'min(x, y)',
  'max(x, y)',
  'select(x, x * y, x < 0.0)',
  'power(x, y)',
];

// WGSL's pow() knows no negative base; small whole exponents are products.
const POWER = `
fn power(x: f32, y: f32) -> f32 {
  if (y == 2.0) { return x * x; }
  if (y == 1.0) { return x; }
  if (y == 0.0) { return 1.0; }
  if (y == 0.5) { return sqrt(x); }
  if (y == 3.0) { return x * x * x; }
  let size = pow(abs(x), y);
  if (x >= 0.0) { return size; }
  if (y != floor(y)) { return sqrt(x); }
  return select(size, -size, abs(y) % 2.0 == 1.0);
}`;

export const unary: Kernel = {
  source: (variant) => `
${defineFunction(variant, floatParam(5), floatParam(6))}
fn run(id: u32) { put(id, apply(in0(id))); }`,
};

export const binary: Kernel = {
  source: (variant) => {
    const operation = BINARY[variant & 255] ?? '';
    return `
${operation.startsWith('power') ? POWER : ''}
fn run(id: u32) {
  ${walkBox(variant >> 8, ['a', 'b'])}
  let x = in0(a);
  let y = in1(b);
  put(id, ${operation});
}`;
  },
};

/** y = x * factor + addend, of the channel. */
export const affine: Kernel = {
  source: () => `
fn run(id: u32) {
  let channel = id / ${param(5)} % ${param(6)};
  put(id, in0(id) * in1(2u * channel) + in1(2u * channel + 1u));
}`,
};
