import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { toHalves } from '../../webgpu/half.js';
import { KERNELS } from '../../webgpu/kernels.js';
import { makeShader } from '../../webgpu/shader.js';
import { agree } from '../../worker/gpu.js';
import type { WireTensor } from '../../worker/protocol.js';

describe('kernels', () => {
  it('are those that the engine numbers, in its order', () => {
    const list = readFileSync('engine/gpu/kernels.def', 'utf8');
    const names = [...list.matchAll(/^SX_GPU_KERNEL\(\w+, (\w+)\)/gm)].map((match) => match[1]);
    expect(KERNELS.map(({ name }) => name)).toEqual(names);
  });

  it('read operands from the buffer that they are in, in the form that they have there', () => {
    const { kernel } = KERNELS.find(({ name }) => name === 'matmul')!;
    const lines = makeShader(kernel!, 0, 0b10_0010 | 0b100).split('\n');
    const reader = (i: number) => lines.find((line) => line.startsWith(`fn at${i}`));
    expect(reader(0)).toContain('bitcast<f32>(arena[place])');
    expect(reader(1)).toContain('unpack2x16float(weights[place >> 1u])[place & 1u]');
    expect(reader(2)).toContain('bitcast<f32>(weights[place])');
  });
});

describe('toHalves', () => {
  it('keeps what float16 has', () => {
    const values = [0, -0, 1, -2.5, 65504, 2 ** -14, 2 ** -24, -3 * 2 ** -20];
    expect([...toHalves(Float32Array.from(values))]).toEqual([
      0x0000, 0x8000, 0x3c00, 0xc100, 0x7bff, 0x0400, 0x0001, 0x8030,
    ]);
    expect(toHalves(Float32Array.of(1, 1, 1)).byteLength).toBe(8);
  });
});

describe('agree', () => {
  const tensor = (...values: number[]): WireTensor[] => [
    { output: 0, type: 'float32', shape: [values.length], data: new Float32Array(values) },
  ];

  it('passes what rounding explains', () => {
    expect(agree(tensor(1, -100, NaN, Infinity), tensor(1.01, -100.5, NaN, Infinity))).toBe(true);
  });

  it.each([
    { got: [1, 2], wanted: [1, 2.5] },
    { got: [NaN, 2], wanted: [1, 2] },
    { got: [1, 2], wanted: [1, Infinity] },
    { got: [1], wanted: [1, 2] },
  ])('refuses $got for $wanted', ({ got, wanted }) => {
    expect(agree(tensor(...got), tensor(...wanted))).toBe(false);
  });

  it('refuses a missing output', () => {
    expect(agree([], tensor(1))).toBe(false);
  });
});
