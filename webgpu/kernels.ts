// The kernels, in the order of engine/gpu/kernels.def. None uses workgroup memory or barriers, which
// software adapters run slowly.
import { conv } from './conv.js';
import { defineFunction } from './functions.js';
import { matmul } from './matmul.js';
import { floatParam, intParam, param, result, walkBox, type Kernel } from './shader.js';

// NaN spreads through WGSL's min and max or does not, as the driver likes.
const BINARY = [
  'x + y',
  'x - y',
  'x * y',
  'x / y',
  'min(x, y)',
  'max(x, y)',
  'select(x, x * y, x < 0.0)',
];

const LOWEST = '-3.4028234e38';

const unary: Kernel = {
  source: (variant) => `
${defineFunction(variant, floatParam(5), floatParam(6))}
fn run(id: u32) { arena[${result} + id] = apply(in0(id)); }`,
};

const binary: Kernel = {
  source: (variant) => `
fn run(id: u32) {
  ${walkBox(variant >> 8, ['a', 'b'])}
  let x = in0(a);
  let y = in1(b);
  arena[${result} + id] = ${BINARY[variant & 255] ?? ''};
}`,
};

const pool: Kernel = {
  source: (variant) => {
    const counts = variant === 2;
    const inside = (axis: number, at: string) => `${at} < 0 || ${at} >= ${intParam(5 + axis)}`;
    const padded = (axis: number, at: string) =>
      `${at} < ${intParam(5 + axis)} + ${intParam(17 + axis)}`;
    return `
fn run(id: u32) {
  let ow = id % ${param(8)};
  let oh = id / ${param(8)} % ${param(7)};
  let plane = id / (${param(8)} * ${param(7)}) * ${param(5)} * ${param(6)};
  let h0 = i32(oh * ${param(11)}) - ${intParam(15)};
  let w0 = i32(ow * ${param(12)}) - ${intParam(16)};
  var value = ${variant === 0 ? LOWEST : '0.0'};
  var count = 0.0;
  for (var kh = 0u; kh < ${param(9)}; kh++) {
    let h = h0 + i32(kh * ${param(13)});
    for (var kw = 0u; kw < ${param(10)}; kw++) {
      let w = w0 + i32(kw * ${param(14)});
      ${counts ? `if (${padded(0, 'h')} && ${padded(1, 'w')}) { count += 1.0; }` : ''}
      if (${inside(0, 'h')} || ${inside(1, 'w')}) { continue; }
      let x = in0(plane + u32(h) * ${param(6)} + u32(w));
      ${variant === 0 ? 'value = max(value, x);' : 'value += x;'}
      ${counts ? '' : 'count += 1.0;'}
    }
  }
  arena[${result} + id] = ${variant === 0 ? 'value' : 'value / count'};
}`;
  },
};

const rows = `
  let count = ${param(5)};
  let inner = ${param(6)};
  let base = id / inner * count * inner + id % inner;`;

const reduce: Kernel = {
  source: (variant) => {
    const [start, step, end] = [
      ['0.0', 'value + x', 'value'],
      ['0.0', 'value + x', 'value / f32(count)'],
      ['in0(base)', 'max(value, x)', 'value'],
      ['in0(base)', 'min(value, x)', 'value'],
    ][variant] as [string, string, string];
    return `
fn run(id: u32) {${rows}
  var value = ${start};
  for (var i = 0u; i < count; i++) {
    let x = in0(base + i * inner);
    value = ${step};
  }
  arena[${result} + id] = ${end};
}`;
  },
};

const softmax: Kernel = {
  source: (variant) => `
fn run(id: u32) {${rows}
  var high = ${LOWEST};
  for (var i = 0u; i < count; i++) { high = max(high, in0(base + i * inner)); }
  var sum = 0.0;
  for (var i = 0u; i < count; i++) { sum += exp(in0(base + i * inner) - high); }
  let ${variant === 1 ? 'shift = log(sum)' : 'scale = 1.0 / sum'};
  for (var i = 0u; i < count; i++) {
    let x = in0(base + i * inner) - high;
    arena[${result} + base + i * inner] = ${variant === 1 ? 'x - shift' : 'exp(x) * scale'};
  }
}`,
};

const copy: Kernel = {
  type: 'u32',
  source: (variant) => `
fn run(id: u32) {
  ${walkBox(variant, ['a', 'b'])}
  arena[${result} + b] = in0(a);
}`,
};

const enlarge: Kernel = {
  source: () => `
fn run(id: u32) {
  let ow = id % ${param(8)};
  let oh = id / ${param(8)} % ${param(7)};
  let plane = id / (${param(8)} * ${param(7)});
  let row = plane * ${param(5)} + oh / ${param(9)};
  arena[${result} + id] = in0(row * ${param(6)} + ow / ${param(10)});
}`,
};

export const KERNELS: readonly { readonly name: string; readonly kernel: Kernel | undefined }[] = [
  { name: 'cpu', kernel: undefined },
  { name: 'conv_tile', kernel: conv(4) },
  { name: 'conv_row', kernel: conv(1) },
  { name: 'matmul', kernel: matmul },
  { name: 'unary', kernel: unary },
  { name: 'binary', kernel: binary },
  { name: 'pool', kernel: pool },
  { name: 'reduce', kernel: reduce },
  { name: 'softmax', kernel: softmax },
  { name: 'copy', kernel: copy },
  { name: 'enlarge', kernel: enlarge },
];
