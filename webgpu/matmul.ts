// Matrix products: each invocation computes some rows by four columns. All matrices are strided.
import { defineFunction } from './functions.js';
import { each, floatParam, param, type Kernel } from './shader.js';

const ADDEND = 1 << 8;
const ROWS_BIT = 9;

// Parameters behind the operands, as engine/gpu/products.cc writes them.
const [M, N, K, A_ROW, A_K, B_K, B_COLUMN, C_ROW, C_COLUMN, ROWS, COLUMNS] = [
  5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
] as const;
const BATCH = 16;
const A_BATCH = 19;
const B_BATCH = 22;
const [ALPHA, BETA] = [29, 30] as const;

export const matmul: Kernel = {
  source: (variant) => {
    const rows = 1 << ((variant >> ROWS_BIT) & 3);
    const sums = Array.from({ length: rows }, (_, i) => `sum${i}`).join(', ');
    const batched = (strides: number) =>
      [0, 1, 2].map((axis) => `batch${axis} * ${param(strides + axis)}`).join(' + ');
    const addend =
      variant & ADDEND
        ? ` + ${floatParam(BETA)} * in2((row + i) * ${param(C_ROW)} + (column + j) * ${param(C_COLUMN)})`
        : '';
    return `
${defineFunction(variant & 255, floatParam(31), floatParam(32))}
fn run(id: u32) {
  let column = id % ${param(COLUMNS)} * 4u;
  let row = id / ${param(COLUMNS)} % ${param(ROWS)} * ${rows}u;
  let batch = id / (${param(COLUMNS)} * ${param(ROWS)});
  let batch2 = batch % ${param(BATCH + 2)};
  let batch1 = batch / ${param(BATCH + 2)} % ${param(BATCH + 1)};
  let batch0 = batch / (${param(BATCH + 2)} * ${param(BATCH + 1)});
  let a = ${param(0)} + ${batched(A_BATCH)};
  let b = ${param(1)} + ${batched(B_BATCH)};
  ${each(rows, (i) => `var a${i} = a + min(row + ${i}u, ${param(M)} - 1u) * ${param(A_ROW)};`)}
  ${each(4, (j) => `var b${j} = b + min(column + ${j}u, ${param(N)} - 1u) * ${param(B_COLUMN)};`)}
  ${each(rows, (i) => `var sum${i} = vec4<f32>();`)}
  let a_step = ${param(A_K)};
  let b_step = ${param(B_K)};
  for (var k = 0u; k < ${param(K)}; k++) {
    let y = vec4(at1(b0), at1(b1), at1(b2), at1(b3));
    ${each(rows, (i) => `sum${i} += at0(a${i}) * y; a${i} += a_step;`)}
    ${each(4, (j) => `b${j} += b_step;`)}
  }
  var sums = array<vec4<f32>, ${rows}>(${sums});
  for (var i = 0u; i < ${rows}u; i++) {
    if (row + i >= ${param(M)}) { break; }
    for (var j = 0u; j < 4u; j++) {
      if (column + j >= ${param(N)}) { break; }
      let to = (batch * ${param(M)} + row + i) * ${param(N)} + column + j;
      put(to, apply(${floatParam(ALPHA)} * sums[i][j]${addend}));
    }
  }
}`;
  },
};
