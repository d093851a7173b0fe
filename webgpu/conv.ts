// Convolution: each invocation computes four or eight neighbours in a row, for one filter or several.
// Weights are as in the model, [filters, channels per group, height, width].
import { defineFunction } from './functions.js';
import { each, floatParam, intParam, param, type Kernel } from './shader.js';

// The variant, as engine/gpu/convolution.cc makes it.
const BIAS = 1 << 8;
const ADDEND = 1 << 9;
const PADDED = 1 << 10;
const shapeOf = (variant: number) => ({
  filters: 1 << ((variant >> 11) & 3),
  places: (variant >> 13) & 1 ? 8 : 4,
  /** Width of the kernel where its taps are unrolled, else 0. */
  taps: (variant >> 14) & 7,
  stride: ((variant >> 17) & 1) + 1,
});

// Parameters behind the operands.
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

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Declares x0, x1…: what the places `at` (WGSL, from w0 on) of a row hold, 0 outside. */
function loadRow(at: readonly string[], padded: boolean): string {
  return each(at.length, (i) => {
    const value = `at0(u32(row + w0 + ${at[i]}))`;
    if (!padded) return `let x${i} = ${value};`;
    // A place before the row is a large number.
    return `let x${i} = select(0.0, ${value}, u32(w0 + ${at[i]}) < u32(width));`;
  });
}

/** Multiplies and adds a row of the input; `row` and `tap` are declared. */
function addRow(variant: number): string {
  const { filters, places, taps, stride } = shapeOf(variant);
  const padded = (variant & PADDED) !== 0;
  const add = (name: (place: number) => string, tap: string) =>
    each(filters, (f) => {
      const sums = each(places / 4, (q) => {
        const x = range(4).map((lane) => name(4 * q + lane));
        return `sum${f}_${q} += vec4(${x.join(', ')}) * w${f};`;
      });
      return `{ let w${f} = at1(weights${f} + tap + ${tap}); ${sums} }`;
    });
  if (taps > 0) {
    const used = new Set(range(places).flatMap((i) => range(taps).map((k) => i * stride + k)));
    const at = [...used].sort((a, b) => a - b);
    const name = (place: number) => `x${at.indexOf(place)}`;
    return `${loadRow(at.map(String), padded)}
    ${each(taps, (k) => add((i) => name(i * stride + k), `${k}u`))}`;
  }
  return `for (var kw = 0u; kw < ${param(KERNEL.w)}; kw++) {
      let shift = i32(kw * ${param(DILATION.w)});
      ${loadRow(
        range(places).map((i) => `shift + ${i} * stride`),
        padded,
      )}
      ${add((i) => `x${i}`, 'kw')}
    }`;
}

export const conv: Kernel = {
  source: (variant) => {
    const { filters, places } = shapeOf(variant);
    const quads = places / 4;
    const start = (f: number) => (variant & BIAS ? `in2(filter${f})` : '0.0');
    const addend = variant & ADDEND ? ' + in3(to)' : '';
    const sums = range(filters).flatMap((f) => range(quads).map((q) => `sum${f}_${q}`));
    return `
${defineFunction(variant & 255, floatParam(23), floatParam(24))}
fn run(id: u32) {
  let ow = id % ${param(ROW_TILES)} * ${places}u;
  var rest = id / ${param(ROW_TILES)};
  let oh = rest % ${param(OUT.h)};
  rest = rest / ${param(OUT.h)};
  let first = rest % ${param(FILTER_TILES)} * ${filters}u;
  let image = rest / ${param(FILTER_TILES)};
  let channels = ${param(GROUP_CHANNELS)};
  let height = ${intParam(IN.h)};
  let width = ${intParam(IN.w)};
  let first_channel = image * ${param(CHANNELS)} + first / ${param(GROUP_FILTERS)} * channels;
  let plane = ${intParam(0)} + i32(first_channel) * height * width;
  let h0 = i32(oh * ${param(STRIDE.h)}) - ${intParam(PAD.h)};
  let w0 = i32(ow * ${param(STRIDE.w)}) - ${intParam(PAD.w)};
  let stride = ${intParam(STRIDE.w)};
  let taps = ${param(KERNEL.h)} * ${param(KERNEL.w)};
  ${each(filters, (f) => `let filter${f} = min(first + ${f}u, ${param(FILTERS)} - 1u);`)}
  ${each(filters, (f) => `let weights${f} = ${param(1)} + filter${f} * channels * taps;`)}
  ${each(filters, (f) => each(quads, (q) => `var sum${f}_${q} = vec4<f32>(${start(f)});`))}
  for (var c = 0u; c < channels; c++) {
    for (var kh = 0u; kh < ${param(KERNEL.h)}; kh++) {
      let h = h0 + i32(kh * ${param(DILATION.h)});
      if (h < 0 || h >= height) { continue; }
      let row = plane + (i32(c) * height + h) * width;
      let tap = c * taps + kh * ${param(KERNEL.w)};
      ${addRow(variant)}
    }
  }
  var sums = array<vec4<f32>, ${sums.length}>(${sums.join(', ')});
  let filters = min(${filters}u, ${param(FILTERS)} - first);
  let places = min(${places}u, ${param(OUT.w)} - ow);
  for (var f = 0u; f < filters; f++) {
    let plane_out = image * ${param(FILTERS)} + first + f;
    let start = (plane_out * ${param(OUT.h)} + oh) * ${param(OUT.w)} + ow;
    for (var i = 0u; i < places; i++) {
      let to = start + i;
      put(to, apply(sums[f * ${quads}u + i / 4u][i % 4u]${addend}));
    }
  }
}`;
  },
};

/** Each invocation adds up what reaches one place. Weights are [channels, filters per group, h, w]. */
export const convTranspose: Kernel = {
  source: (variant) => {
    const source = (axis: 'h' | 'w') =>
      `source(o${axis}, k${axis}, ${intParam(PAD[axis])}, ${param(DILATION[axis])}, ${param(STRIDE[axis])}, ${param(IN[axis])})`;
    return `
// The place of the input that tap k brings to place at of an axis; -1: none.
fn source(at: u32, k: u32, pad: i32, dilation: u32, stride: u32, count: u32) -> i32 {
  let scaled = i32(at) + pad - i32(k * dilation);
  if (scaled < 0 || u32(scaled) % stride != 0u) { return -1; }
  let i = u32(scaled) / stride;
  return select(-1, i32(i), i < count);
}
fn run(id: u32) {
  let ow = id % ${param(OUT.w)};
  var rest = id / ${param(OUT.w)};
  let oh = rest % ${param(OUT.h)};
  rest = rest / ${param(OUT.h)};
  let number = rest % ${param(FILTERS)};
  let image = rest / ${param(FILTERS)};
  let group_filters = ${param(GROUP_FILTERS)};
  let channels = ${param(GROUP_CHANNELS)};
  let plane = ${param(IN.h)} * ${param(IN.w)};
  let taps = ${param(KERNEL.h)} * ${param(KERNEL.w)};
  let first = number / group_filters * channels;
  let x0 = (image * ${param(CHANNELS)} + first) * plane;
  let w0 = (first * group_filters + number % group_filters) * taps;
  var sum = ${variant & 1 ? 'in2(number)' : '0.0'};
  for (var kh = 0u; kh < ${param(KERNEL.h)}; kh++) {
    let h = ${source('h')};
    if (h < 0) { continue; }
    for (var kw = 0u; kw < ${param(KERNEL.w)}; kw++) {
      let w = ${source('w')};
      if (w < 0) { continue; }
      let x = x0 + u32(h) * ${param(IN.w)} + u32(w);
      let weight = w0 + kh * ${param(KERNEL.w)} + kw;
      for (var c = 0u; c < channels; c++) {
        sum += in0(x + c * plane) * in1(weight + c * group_filters * taps);
      }
    }
  }
  put(id, sum);
}`;
  },
};
