import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
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

  it('read operands from the buffer that they are in', () => {
    const { kernel } = KERNELS.find(({ name }) => name === 'matmul')!;
    const shader = makeShader(kernel!, 0, 0b10);
    expect(shader).toMatch(/fn in0.*arena/);
    expect(shader).toMatch(/fn in1.*weights/);
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
