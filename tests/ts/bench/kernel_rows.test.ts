import { describe, expect, it } from 'vitest';

interface Written {
  readonly bytes: Uint8Array;
  readonly inputs: readonly { readonly name: string; readonly dims: readonly number[] }[];
}
interface Row {
  readonly name: string;
  readonly flops?: number;
  readonly bytes?: number;
  readonly times: number;
  readonly streamed?: true;
  readonly call: () => Written;
  readonly longer: () => Written;
}
interface Schema {
  readonly ModelProto: {
    decode(bytes: Uint8Array): { graph: { node: { opType: string }[] } };
  };
}
const scripts = {
  rows: '../../../bench/kernel_rows.mjs',
  schema: '../../../tools/onnx/schema.mjs',
};
const { KERNEL_ROWS } = (await import(scripts.rows)) as { KERNEL_ROWS: readonly Row[] };
const { ModelProto } = (await import(scripts.schema)) as Schema;

const rowOf = (name: string) => KERNEL_ROWS.find((row) => row.name.startsWith(name))!;

/** How often a model has the operator that its row is about. */
function count({ bytes }: Written, operator: string) {
  return ModelProto.decode(bytes).graph.node.filter(({ opType }) => opType === operator).length;
}

describe('kernel rows', () => {
  it('count work as the direct algorithm does it', () => {
    expect(rowOf('GEMM 512').flops).toBe(2 * 512 ** 3);
    expect(rowOf('GEMV 2048').bytes).toBe(4 * 2048 ** 2);
    expect(rowOf('Conv 3×3, 64→64').flops).toBe(2 * 56 * 56 * 64 * 64 * 9);
    expect(rowOf('Depthwise 3×3 /2').flops).toBe(2 * 28 * 28 * 144 * 9);
    expect(rowOf('First layer 3×3').flops).toBe(2 * 112 * 112 * 3 * 32 * 9);
    expect(rowOf('Transposed').flops).toBe(2 * 28 * 28 * 64 * 64 * 4);
    expect(rowOf('Softmax').bytes).toBe(2 * 4 * 1536 * 512);
  });

  it.each([
    ['GEMM 197', 'MatMul'],
    ['GEMV 384', 'MatMul'],
    ['Conv 1×1, 512', 'Conv'],
    ['First layer 7×7', 'Conv'],
    ['Transposed', 'ConvTranspose'],
    ['Attention, 12', 'Softmax'],
    ['GELU', 'Erf'],
    ['LayerNorm', 'LayerNormalization'],
  ])('%s: the longer model has `times` more of it', (name, operator) => {
    const row = rowOf(name);
    expect(count(row.call(), operator)).toBe(1);
    expect(count(row.longer(), operator)).toBe(row.times + 1);
    expect(row.longer().inputs).toEqual(row.call().inputs);
  });
});
