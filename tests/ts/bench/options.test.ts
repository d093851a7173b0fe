import { describe, expect, it } from 'vitest';

interface Options {
  readonly parts: readonly string[];
  readonly models?: readonly string[];
  readonly engines: readonly string[];
  readonly threads: readonly number[];
  readonly rounds: number;
}
const script = '../../../bench/options.mjs';
const { readOptions } = (await import(script)) as { readOptions: (args: string[]) => Options };

describe('the command line of the bench', () => {
  it('measures everything with both engines, seven rounds, one and two threads', () => {
    expect(readOptions([])).toMatchObject({
      parts: ['models', 'twins', 'kernels', 'calls', 'cold', 'memory'],
      engines: ['sardonyx', 'onnxruntime'],
      threads: [1, 2],
      rounds: 7,
    });
  });

  it('measures only models or kernels when such are named', () => {
    expect(readOptions(['--models', 'a,b'])).toMatchObject({
      models: ['a', 'b'],
      parts: ['models', 'twins'],
    });
    expect(readOptions(['--kernels', 'GEMM']).parts).toEqual(['kernels']);
    expect(readOptions(['--models', 'a', '--only', 'cold']).parts).toEqual(['cold']);
  });

  it('takes fewer rounds when it has to be quick, unless told how many', () => {
    expect(readOptions(['--quick']).rounds).toBe(3);
    expect(readOptions(['--quick', '--rounds', '9']).rounds).toBe(9);
  });

  it('refuses what it does not know', () => {
    expect(() => readOptions(['--only', 'model'])).toThrow(/--only knows models, twins/);
    expect(() => readOptions(['--engines', 'tfjs'])).toThrow(/--engines knows/);
    expect(() => readOptions(['--threads', '0'])).toThrow(/--threads takes whole numbers/);
    expect(() => readOptions(['--round', '3'])).toThrow(/--round/);
  });
});
