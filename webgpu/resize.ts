// Resize along two axes, by a table for each: per place of the result and tap, a place of the input
// and a weight. The tensor is [outer, a, middle, b, inner].
import { param, type Kernel } from './shader.js';

const [IN_A, IN_B, OUT_A, OUT_B, TAPS_A, TAPS_B, MIDDLE, INNER] = [
  5, 6, 7, 8, 9, 10, 11, 12,
] as const;

const NEAREST = 'put_raw(id, raw0(base + raw1(2u * a) * step_a + raw2(2u * b) * step_b));';

const WEIGHTED = `
  var sum = 0.0;
  for (var i = 0u; i < ${param(TAPS_A)}; i++) {
    let tap_a = 2u * (a * ${param(TAPS_A)} + i);
    let row = base + raw1(tap_a) * step_a;
    var part = 0.0;
    for (var j = 0u; j < ${param(TAPS_B)}; j++) {
      let tap_b = 2u * (b * ${param(TAPS_B)} + j);
      part += in2(tap_b + 1u) * in0(row + raw2(tap_b) * step_b);
    }
    sum += in1(tap_a + 1u) * part;
  }
  put(id, sum);`;

export const resize: Kernel = {
  source: (variant) => `
fn run(id: u32) {
  let inner = id % ${param(INNER)};
  var rest = id / ${param(INNER)};
  let b = rest % ${param(OUT_B)};
  rest = rest / ${param(OUT_B)};
  let middle = rest % ${param(MIDDLE)};
  rest = rest / ${param(MIDDLE)};
  let a = rest % ${param(OUT_A)};
  let outer = rest / ${param(OUT_A)};
  let step_b = ${param(INNER)};
  let step_a = ${param(MIDDLE)} * ${param(IN_B)} * step_b;
  let base = outer * ${param(IN_A)} * step_a + middle * ${param(IN_B)} * step_b + inner;
  ${variant === 1 ? NEAREST : WEIGHTED}
}`,
};
