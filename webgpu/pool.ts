// Pooling: each invocation computes one place.
import { intParam, param, type Kernel } from './shader.js';

const LOWEST = '-3.4028234e38';

export const pool: Kernel = {
  source: (variant) => {
    const counts = variant === 2;
    const outside = (axis: number, at: string) => `${at} < 0 || ${at} >= ${intParam(5 + axis)}`;
    const padded = (axis: number, at: string) =>
      `${at} < ${intParam(5 + axis)} + ${intParam(17 + axis)}`;
    return `
fn run(id: u32) {
  let ow = id % ${param(8)};
  let oh = id / ${param(8)} % ${param(7)};
  let plane = ${param(0)} + id / (${param(8)} * ${param(7)}) * ${param(5)} * ${param(6)};
  let h0 = i32(oh * ${param(11)}) - ${intParam(15)};
  let w0 = i32(ow * ${param(12)}) - ${intParam(16)};
  var value = ${variant === 0 ? LOWEST : '0.0'};
  var count = 0.0;
  for (var kh = 0u; kh < ${param(9)}; kh++) {
    let h = h0 + i32(kh * ${param(13)});
    ${counts ? '' : `if (${outside(0, 'h')}) { continue; }`}
    for (var kw = 0u; kw < ${param(10)}; kw++) {
      let w = w0 + i32(kw * ${param(14)});
      ${counts ? `if (${padded(0, 'h')} && ${padded(1, 'w')}) { count += 1.0; }` : ''}
      if (${counts ? `${outside(0, 'h')} || ` : ''}${outside(1, 'w')}) { continue; }
      let x = at0(plane + u32(h) * ${param(6)} + u32(w));
      ${variant === 0 ? 'value = max(value, x);' : 'value += x;'}
      ${counts ? '' : 'count += 1.0;'}
    }
  }
  put(id, ${variant === 0 ? 'value' : 'value / count'});
}`;
  },
};
