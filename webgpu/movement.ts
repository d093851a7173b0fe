// Kernels that move words: which element each element of the result is.
import { each, intParam, param, walkBox, type Kernel } from './shader.js';

export const copy: Kernel = {
  source: (variant) => `
fn run(id: u32) {
  ${walkBox(variant, ['a', 'b'])}
  put_raw(b, raw0(a));
}`,
};

// WGSL of the place in an axis of `count` that place `at`, outside or not, shows; -1: none.
const PLACES: readonly string[] = [
  'return select(-1, at, at >= 0 && at < count);',
  'return clamp(at, 0, count - 1);',
  `let period = max(2 * (count - 1), 1);
  let i = ((at % period) + period) % period;
  return min(select(period - i, i, i < count), count - 1);`,
  'return ((at % count) + count) % count;',
];

export const pad: Kernel = {
  source: (variant) => {
    const rank = variant >> 8;
    return `
fn place(at: i32, count: i32) -> i32 {
  ${PLACES[variant & 255] ?? ''}
}
fn run(id: u32) {
  var rest = id;
  var at = 0u;
  var stride = 1u;
  var inside = true;
  ${each(
    rank,
    (i) => `
  let i${i} = place(i32(rest % ${param(6 + 3 * i)}) - ${intParam(8 + 3 * i)}, ${intParam(7 + 3 * i)});
  inside = inside && i${i} >= 0;
  at += u32(max(i${i}, 0)) * stride;
  stride *= ${param(7 + 3 * i)};
  rest = rest / ${param(6 + 3 * i)};`,
  )}
  if (inside) { put_raw(id, raw0(at)); } else { put_raw(id, ${param(5)}); }
}`;
  },
};

export const gather: Kernel = {
  source: () => `
fn run(id: u32) {
  let inner = ${param(7)};
  let index = raw1(id / inner % ${param(6)});
  let outer = id / (inner * ${param(6)});
  put_raw(id, raw0((outer * ${param(5)} + index) * inner + id % inner));
}`,
};
