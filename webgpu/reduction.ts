// Reductions, softmax and normalizations: each invocation computes one result, or one row.
import { floatParam, param, walkBox, type Kernel } from './shader.js';

const LOWEST = '-3.4028234e38';

// Start, step and end, in the order of engine/gpu/reduction.cc. `base` is the first element.
const REDUCTIONS: readonly (readonly [string, string, string])[] = [
  ['0.0', 'value + x', 'value'],
  ['0.0', 'value + x', 'value / f32(count)'],
  ['in0(base)', 'max(value, x)', 'value'],
  ['in0(base)', 'min(value, x)', 'value'],
  ['1.0', 'value * x', 'value'],
  ['0.0', 'value + abs(x)', 'value'],
  ['0.0', 'value + x * x', 'sqrt(value)'],
  ['0.0', 'value + x * x', 'value'],
  ['0.0', 'value + x', 'log(value)'],
];

export const reduce: Kernel = {
  source: (variant) => {
    const [start, step, end] = REDUCTIONS[variant & 255]!;
    const kept = (variant >> 8) & 15;
    const reduced = variant >> 12;
    return `
fn run(id: u32) {
  let count = ${param(5)};
  ${walkBox(kept, ['base'])}
  var value = ${start};
  for (var i = 0u; i < count; i++) {
    ${walkBox(reduced, ['offset'], { place: 'i', first: 6 + 2 * kept })}
    let x = in0(base + offset);
    value = ${step};
  }
  put(id, ${end});
}`;
  },
};

export const softmax: Kernel = {
  source: (variant) => `
fn run(id: u32) {
  let count = ${param(5)};
  let inner = ${param(6)};
  let base = id / inner * count * inner + id % inner;
  var high = ${LOWEST};
  for (var i = 0u; i < count; i++) { high = max(high, in0(base + i * inner)); }
  var sum = 0.0;
  for (var i = 0u; i < count; i++) { sum += exp(in0(base + i * inner) - high); }
  let ${variant === 1 ? 'shift = log(sum)' : 'scale = 1.0 / sum'};
  for (var i = 0u; i < count; i++) {
    let x = in0(base + i * inner) - high;
    put(base + i * inner, ${variant === 1 ? 'x - shift' : 'exp(x) * scale'});
  }
}`,
};

// The variant's bits, as engine/gpu/normalization.cc has them.
const [CENTERED, BIAS, ONE_SCALE, ONE_BIAS] = [1, 2, 4, 8] as const;

export const normalize: Kernel = {
  source: (variant) => {
    const bias = variant & BIAS ? ` + in2(${variant & ONE_BIAS ? '0u' : 'i'})` : '';
    return `
fn run(id: u32) {
  let count = ${param(5)};
  let base = id * count;
  var mean = 0.0;
  ${
    variant & CENTERED
      ? 'for (var i = 0u; i < count; i++) { mean += in0(base + i); } mean = mean / f32(count);'
      : ''
  }
  var squares = 0.0;
  for (var i = 0u; i < count; i++) {
    let x = in0(base + i) - mean;
    squares += x * x;
  }
  let scale = 1.0 / sqrt(squares / f32(count) + ${floatParam(6)});
  for (var i = 0u; i < count; i++) {
    let x = (in0(base + i) - mean) * scale;
    put(base + i, x * in1(${variant & ONE_SCALE ? '0u' : 'i'})${bias});
  }
}`;
  },
};
