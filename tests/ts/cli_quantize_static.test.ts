// sardonyx quantize --int8 --calibrate: the folder of samples, what is told, what is refused.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { sardonyx } from './command_line.js';
import { encodeModel, node, tensor, value } from './quantize/onnx.js';

vi.setConfig({ testTimeout: 60_000 });

const folder = resolve('build/cli_quantize_static_test');
const at = (name: string) => resolve(folder, name);
const quantize = (...args: string[]) => sardonyx(folder, 'quantize', 'm.onnx', '--int8', ...args);

const N = 16;
const weights = Float32Array.from({ length: N * N }, (_, i) => Math.sin(i * i));
const model = encodeModel({
  inputs: [value('x', 'float32', [1, N]), value('other', 'float32', [1, N])],
  outputs: [value('y', 'float32', [1, N])],
  initializers: [tensor('w', 'float32', [N, N], weights)],
  nodes: [
    node('Add', ['x', 'other'], ['s']),
    node('MatMul', ['s', 'w'], ['a']),
    node('Relu', ['a'], ['r']),
    node('MatMul', ['r', 'w'], ['y']),
  ],
});

function npy(data: Float32Array | Int32Array, shape = `(1, ${N})`): Uint8Array {
  const descr = data instanceof Float32Array ? '<f4' : '<i4';
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return Buffer.concat([Buffer.from(`\x93NUMPY\x01\x00\x76\x00${header}\n`, 'latin1'), bytes]);
}

/** A TensorProto [1, N] of floats. */
const proto = (data: Float32Array) =>
  Buffer.from([0x0a, 2, 1, N, 0x10, 1, 0x4a, 4 * N, ...new Uint8Array(data.buffer)]);

const values = (seed: number) => Float32Array.from({ length: N }, (_, i) => Math.cos(i * seed));

function write(files: Record<string, Uint8Array>): void {
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(resolve(at(name), '..'), { recursive: true });
    writeFileSync(at(name), bytes);
  }
}

beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  write({ 'm.onnx': model });
});

const left = () => readdirSync(folder).filter((name) => name.includes('int8'));

describe('sardonyx quantize --calibrate', () => {
  it('takes a folder for each sample, and tells how near outputs and layers are', async () => {
    for (let i = 0; i < 5; i++) {
      write({
        [`data/${i}/x.npy`]: npy(values(i)),
        [`data/${i}/input_1.pb`]: proto(values(i + 7)),
        [`data/${i}/output_0.pb`]: proto(values(1)),
        [`data/${i}/notes.txt`]: Buffer.from('of no interest'),
      });
    }
    const { status, stdout, stderr } = await quantize('--calibrate', 'data');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/\d\d\.\d dB +\d\d\.\d dB {2}MatMul MatMul_a {2}w \[16, 16\]\n/);
    expect(stdout).toMatch(/0\.99\d+ +\d\d\.\d dB +\S+ {2}y\n/);
    expect(left()).toEqual(['m_int8.onnx']);
  });

  it('takes a folder as one sample', async () => {
    write({ 'data/input_0.npy': npy(values(1)), 'data/other.pb': proto(values(2)) });
    const args = ['--calibrate', 'data', '--calibration-method', 'entropy', '--min-cosine', '0.5'];
    const { status, stdout } = await quantize(...args, '--json');
    expect(status).toBe(0);
    const told = JSON.parse(stdout) as { layers: { outputSqnr: number }[]; outputs: unknown[] };
    expect(told.layers.map(({ outputSqnr }) => outputSqnr > 15)).toEqual([true, true]);
    expect(told.outputs).toMatchObject([{ name: 'y' }]);
  });

  it('makes random samples', async () => {
    const { status, stdout } = await quantize('--calibrate', 'random', '--keep', 'MatMul_a');
    expect(status).toBe(0);
    expect(stdout).toContain('MatMul MatMul_a: it is to be kept');
  });

  it('makes random samples of a shape', async () => {
    const args = ['--calibrate', 'random', '--json', '--shape'];
    expect((await quantize(...args, 'x=1x16')).status).toBe(0);
    const { status, stdout } = await quantize(...args, 'x=2x16');
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'INPUT_SHAPE', where: { tensor: 'x' } },
    });
  });

  const good = { 'data/x.npy': npy(values(1)), 'data/other.npy': npy(values(2)) };
  const REFUSED: [string, Record<string, Uint8Array>, string, RegExp][] = [
    ['a folder that is not there', {}, 'INVALID_ARGUMENT', /can not read data/],
    [
      'an input that is missing',
      { 'data/x.npy': npy(values(1)) },
      'INPUT_MISSING',
      /data: there is no file for input other/,
    ],
    [
      'a wrong dtype',
      { ...good, 'data/other.npy': npy(new Int32Array(N)) },
      'INPUT_DTYPE',
      /data.other\.npy: input other takes float32/,
    ],
    [
      'a wrong shape',
      { ...good, 'data/x.npy': npy(values(1), `(${N}, 1)`) },
      'INPUT_SHAPE',
      /data.x\.npy: input x takes shape/,
    ],
    [
      'NaN',
      { ...good, 'data/x.npy': npy(new Float32Array(N).fill(NaN)) },
      'VALUE_RANGE',
      /data.x\.npy: x has NaN/,
    ],
    [
      'infinities',
      { ...good, 'data/x.npy': npy(new Float32Array(N).fill(Infinity)) },
      'VALUE_RANGE',
      /data: s has NaN or infinite values/,
    ],
    [
      'an array that is cut off',
      { ...good, 'data/x.npy': npy(new Float32Array(3)) },
      'INVALID_ARGUMENT',
      /data.x\.npy: .*its end is missing/,
    ],
    [
      'a header that is cut off',
      { ...good, 'data/x.npy': npy(values(1)).subarray(0, 40) },
      'INVALID_ARGUMENT',
      /data.x\.npy: .*its end is missing/,
    ],
    [
      'an array with more behind it',
      { ...good, 'data/x.npy': npy(new Float32Array(N + 1)) },
      'INVALID_ARGUMENT',
      /data.x\.npy: .*goes on behind the array/,
    ],
    [
      'a message that is cut off',
      { 'data/other.npy': npy(values(2)), 'data/x.pb': proto(values(1)).subarray(0, 30) },
      'INVALID_ARGUMENT',
      /data.x\.pb: not a TensorProto: its end is missing/,
    ],
    [
      'an archive',
      { 'data/other.npy': npy(values(2)), 'data/x.npz': Buffer.from('PK') },
      'INVALID_ARGUMENT',
      /data.x\.npz: \.npz files are not read/,
    ],
    [
      'a sample without inputs',
      { 'data/0/x.npy': npy(values(1)), 'data/1/notes.txt': Buffer.from('none') },
      'INVALID_ARGUMENT',
      /data.1 has no inputs/,
    ],
    [
      'a name that is no input',
      { ...good, 'data/z.npy': npy(values(1)) },
      'INPUT_UNKNOWN',
      /z\.npy/,
    ],
    [
      'two files for one input',
      { ...good, 'data/x.pb': proto(values(1)) },
      'INVALID_ARGUMENT',
      /are for one input/,
    ],
  ];

  it.each(REFUSED)('refuses %s and writes nothing', async (_, files, code, message) => {
    write(files);
    const { status, stdout } = await quantize('--calibrate', 'data', '--json');
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code, message: expect.stringMatching(message) as string },
    });
    expect(left()).toEqual([]);
  });

  it.each([
    [['--calibration-method', 'entropy'], '--calibration-method goes with --calibrate'],
    [['--calibrate', 'random', '--min-sqnr', 'much'], '--min-sqnr takes a number, not much'],
    [['--calibrate', 'data', '--shape', 'x=1x16'], '--shape goes with --input'],
    [['--calibrate', 'random', '--threads', '1'], '--threads goes with --input'],
  ])('refuses %j as wrong arguments', async (args, message) => {
    const { status, stderr } = await quantize(...args);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
  });

  it('refuses calibration of other precisions and unknown methods', async () => {
    const int4 = await sardonyx(folder, 'quantize', 'm.onnx', '--int4', '--calibrate', 'random');
    expect(int4).toMatchObject({ status: 2 });
    expect(int4.stderr).toContain('--calibrate goes with --int8');
    const args = ['--calibrate', 'random', '--calibration-method', 'guess'];
    const method = await quantize(...args);
    expect(method).toMatchObject({ status: 1 });
    expect(method.stderr).toContain('minmax, percentile, entropy');
    expect(left()).toEqual([]);
  });
});
