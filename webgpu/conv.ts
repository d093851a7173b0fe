// Convolution: each invocation computes four neighbours in a row, for one filter or four. Weights are
// as in the model, [filters, channels per group, height, width].
import { defineFunction } from './functions.js';
import { floatParam, intParam, param, result, type Kernel } from './shader.js';

const BIAS = 1 << 8;
const ADDEND = 1 << 9;
const PADDED = 1 << 10;

// Parameters behind the operands, as engine/gpu/windows.cc writes them.
const IN = { h: 5, w: 6 };
const OUT = { h: 7, w: 8 };
const KERNEL = { h: 9, w: 10 };
const STRIDE = { h: 11, w: 12 };
const DILATION = { h: 13, w: 14 };
const PAD = { h: 15, w: 16 };
const CHANNELS = 17;
const GROUP_CHANNELS = 18;
const FILTERS = 19;
const GROUP_FILTERS = 20;
const ROW_TILES = 21;
const FILTER_TILES = 22;

const LANES = ['x', 'y', 'z', 'w'];

function loaders(padded: boolean): string {
  const inside = LANES.map((_, lane) => `in0(u32(row + w + ${lane} * stride))`).join(', ');
  if (!padded) {
    return `fn load(row: i32, w: i32, stride: i32) -> vec4<f32> { return vec4(${inside}); }`;
  }
  const edge = LANES.map((_, lane) => `edge(row, w + ${lane} * stride)`).join(', ');
  return `
fn edge(row: i32, w: i32) -> f32 {
  if (w < 0 || w >= ${intParam(IN.w)}) { return 0.0; }
  return in0(u32(row + w));
}
fn load(row: i32, w: i32, stride: i32) -> vec4<f32> {
  if (w >= 0 && w + 3 * stride < ${intParam(IN.w)}) { return vec4(${inside}); }
  return vec4(${edge});
}`;
}

export function conv(filters: 1 | 4): Kernel {
  const each = (line: (filter: number) => string) =>
    Array.from({ length: filters }, (_, filter) => line(filter)).join('\n  ');
  return {
    source: (variant) => {
      const value = (lane: string) =>
        `apply(sum[i].${lane}${variant & ADDEND ? ` + in3(to + ${LANES.indexOf(lane)}u)` : ''})`;
      return `
${defineFunction(variant & 255, floatParam(23), floatParam(24))}
${loaders((variant & PADDED) !== 0)}
fn run(id: u32) {
  let ow = id % ${param(ROW_TILES)} * 4u;
  var rest = id / ${param(ROW_TILES)};
  let oh = rest % ${param(OUT.h)};
  rest = rest / ${param(OUT.h)};
  let first = rest % ${param(FILTER_TILES)} * ${filters}u;
  let image = rest / ${param(FILTER_TILES)};
  let channels = ${param(GROUP_CHANNELS)};
  let plane = i32(image * ${param(CHANNELS)} + first / ${param(GROUP_FILTERS)} * channels);
  let height = ${intParam(IN.h)};
  let width = ${intParam(IN.w)};
  let h0 = i32(oh * ${param(STRIDE.h)}) - ${intParam(PAD.h)};
  let w0 = i32(ow * ${param(STRIDE.w)}) - ${intParam(PAD.w)};
  let stride = ${intParam(STRIDE.w)};
  let taps = ${param(KERNEL.h)} * ${param(KERNEL.w)};
  ${each((i) => `let filter${i} = min(first + ${i}u, ${param(FILTERS)} - 1u);`)}
  ${each((i) => `let weights${i} = filter${i} * channels * taps;`)}
  ${each((i) => `var sum${i} = vec4<f32>(${variant & BIAS ? `in2(filter${i})` : '0.0'});`)}
  for (var c = 0u; c < channels; c++) {
    for (var kh = 0u; kh < ${param(KERNEL.h)}; kh++) {
      let h = h0 + i32(kh * ${param(DILATION.h)});
      if (h < 0 || h >= height) { continue; }
      let row = ((plane + i32(c)) * height + h) * width;
      var tap = c * taps + kh * ${param(KERNEL.w)};
      for (var kw = 0u; kw < ${param(KERNEL.w)}; kw++) {
        let x = load(row, w0 + i32(kw * ${param(DILATION.w)}), stride);
        ${each((i) => `sum${i} += x * in1(weights${i} + tap);`)}
        tap++;
      }
    }
  }
  var sum = array<vec4<f32>, ${filters}>(${Array.from({ length: filters }, (_, i) => `sum${i}`).join(', ')});
  for (var i = 0u; i < ${filters}u; i++) {
    if (first + i >= ${param(FILTERS)}) { break; }
    let to = ((image * ${param(FILTERS)} + first + i) * ${param(OUT.h)} + oh) * ${param(OUT.w)} + ow;
    let left = ${param(OUT.w)} - ow;
    ${LANES.map((lane, n) => `if (left > ${n}u) { arena[${result} + to + ${n}u] = ${value(lane)}; }`).join('\n    ')}
  }
}`;
    },
  };
}
