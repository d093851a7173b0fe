// Matrix products: each invocation computes four rows by four columns. All matrices are strided.
import { defineFunction } from './functions.js';
import { floatParam, param, result, type Kernel } from './shader.js';

const ADDEND = 1 << 8;

// Parameters behind the operands, as engine/gpu/products.cc writes them.
const [M, N, K, A_ROW, A_K, B_K, B_COLUMN, C_ROW, C_COLUMN, ROWS, COLUMNS] = [
  5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
] as const;
const BATCH = 16;
const A_BATCH = 19;
const B_BATCH = 22;
const [ALPHA, BETA] = [29, 30] as const;

const TILE = [0, 1, 2, 3];
const each = (line: (i: number) => string) => TILE.map(line).join('\n  ');

export const matmul: Kernel = {
  source: (variant) => {
    const addend =
      variant & ADDEND
        ? ` + ${floatParam(BETA)} * in2((row + i) * ${param(C_ROW)} + (column + j) * ${param(C_COLUMN)})`
        : '';
    return `
${defineFunction(variant & 255, floatParam(31), floatParam(32))}
fn run(id: u32) {
  let column = id % ${param(COLUMNS)} * 4u;
  let row = id / ${param(COLUMNS)} % ${param(ROWS)} * 4u;
  let batch = id / (${param(COLUMNS)} * ${param(ROWS)});
  let batch2 = batch % ${param(BATCH + 2)};
  let batch1 = batch / ${param(BATCH + 2)} % ${param(BATCH + 1)};
  let batch0 = batch / (${param(BATCH + 2)} * ${param(BATCH + 1)});
  let a = batch0 * ${param(A_BATCH)} + batch1 * ${param(A_BATCH + 1)} + batch2 * ${param(A_BATCH + 2)};
  let b = batch0 * ${param(B_BATCH)} + batch1 * ${param(B_BATCH + 1)} + batch2 * ${param(B_BATCH + 2)};
  ${each((i) => `let a${i} = a + min(row + ${i}u, ${param(M)} - 1u) * ${param(A_ROW)};`)}
  ${each((i) => `let b${i} = b + min(column + ${i}u, ${param(N)} - 1u) * ${param(B_COLUMN)};`)}
  ${each((i) => `var sum${i} = vec4<f32>();`)}
  for (var k = 0u; k < ${param(K)}; k++) {
    let at = k * ${param(B_K)};
    let y = vec4(in1(b0 + at), in1(b1 + at), in1(b2 + at), in1(b3 + at));
    ${each((i) => `sum${i} += in0(a${i} + k * ${param(A_K)}) * y;`)}
  }
  var sum = array<vec4<f32>, 4>(sum0, sum1, sum2, sum3);
  for (var i = 0u; i < 4u; i++) {
    if (row + i >= ${param(M)}) { break; }
    for (var j = 0u; j < 4u; j++) {
      if (column + j >= ${param(N)}) { break; }
      let to = (batch * ${param(M)} + row + i) * ${param(N)} + column + j;
      arena[${result} + to] = apply(${floatParam(ALPHA)} * sum[i][j]${addend});
    }
  }
}`;
  },
};
