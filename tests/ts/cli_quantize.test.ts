// sardonyx quantize: what it writes, what it refuses, and that a refusal leaves nothing behind.
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { sardonyx } from './command_line.js';
import { encodeModel, node, tensor, value } from './quantize/onnx.js';

vi.setConfig({ testTimeout: 60_000 });

const folder = resolve('build/cli_quantize_test');
const at = (name: string) => resolve(folder, name);
const files = () => readdirSync(folder).sort();
const quantize = (...args: string[]) => sardonyx(folder, 'quantize', ...args);

const K = 32;
const weights = Float32Array.from({ length: K * K }, (_, i) => Math.sin(i));
const model = (initializer = tensor('w', 'float32', [K, K], weights)) =>
  encodeModel({
    inputs: [value('x', 'float32', ['n', K])],
    outputs: [value('y', 'float32', ['n', K])],
    initializers: [initializer],
    nodes: [
      node('MatMul', ['x', 'w'], ['a'], {}, { name: 'first' }),
      node('MatMul', ['a', 'w'], ['y'], {}, { name: 'second' }),
    ],
  });

/** Its weights lie in w.bin. */
const divided = (place: Readonly<Record<string, string>> = {}) =>
  model({
    ...tensor('w', 'float32', [K, K], []),
    dataLocation: 1,
    externalData: Object.entries({ location: 'w.bin', ...place }).map(([key, value]) => ({
      key,
      value,
    })),
  });

beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(at('m.onnx'), model());
});

describe('sardonyx quantize', () => {
  it('writes a model beside the other one and says how good it is', async () => {
    const { status, stdout, stderr } = await quantize('m.onnx', '--int8');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(files()).toEqual(['m.onnx', 'm_int8.onnx']);
    expect(stdout).toMatch(/m_int8\.onnx: 1,\d{3} bytes, \d\d\.\d % of 4,\d{3}\n/);
    expect(stdout).toMatch(/4\d\.\d dB {2}MatMul first {2}w \[32, 32\]/);
    expect(stdout).toMatch(/0\.999\d+ +\d\d\.\d dB +\S+ {2}y\n/);
    const inspected = await sardonyx(folder, 'inspect', 'm_int8.onnx', '--json');
    expect(inspected.stdout).toContain('MatMulInteger');
  });

  it('says the same as JSON', async () => {
    const args = ['--int4', '--group', '16', '--zero-points', '--keep', 'first,Relu', '--json'];
    const wrong = await quantize('m.onnx', ...args);
    expect(JSON.parse(wrong.stdout)).toMatchObject({
      error: { code: 'INVALID_ARGUMENT', where: { field: 'keep' } },
    });
    args[5] = 'first';
    const { status, stdout } = await quantize('m.onnx', '-o', 'small.onnx', ...args);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      file: at('small.onnx'),
      precision: 'int4',
      bytesBefore: model().length,
      layers: [{ node: 'second', operator: 'MatMul', weight: 'w', shape: [K, K] }],
      kept: [{ node: 'first' }],
      outputs: [{ name: 'y' }],
    });
    const { outputs } = JSON.parse(stdout) as { outputs: { cosine: number }[] };
    expect(outputs[0]!.cosine).toBeGreaterThan(0.95);
    expect(outputs[0]!.cosine).toBeLessThan(1);
  });

  it('takes weights of other files, and writes over the model when it is forced to', async () => {
    writeFileSync(at('m.onnx'), divided());
    writeFileSync(at('w.bin'), new Uint8Array(weights.buffer));
    const args = ['m.onnx', '--int8', '-o', 'm.onnx'];
    expect((await quantize(...args, '--external', 'w.bin=w.bin')).status).toBe(2);
    expect((await quantize(...args, '--force')).stderr).toContain('EXTERNAL_DATA_MISSING');
    const { status, stdout } = await quantize(...args, '--external', 'w.bin=w.bin', '--force');
    expect(status).toBe(0);
    expect(stdout).toContain(
      `% of ${(divided().length + weights.byteLength).toLocaleString('en')}\n`,
    );
    expect(files()).toEqual(['m.onnx', 'w.bin']);
    expect((await sardonyx(folder, 'run', 'm.onnx')).status).toBe(0);
  });

  it.each<[string, string, () => void, string[]]>([
    ['a file that is not there', 'INVALID_ARGUMENT', () => rmSync(at('m.onnx')), []],
    ['text', 'MODEL_MALFORMED', () => writeFileSync(at('m.onnx'), 'not a model'), []],
    ['no bytes', 'MODEL_EMPTY', () => writeFileSync(at('m.onnx'), ''), []],
    [
      'half a model',
      'MODEL_MALFORMED',
      () => writeFileSync(at('m.onnx'), model().subarray(0, 99)),
      [],
    ],
    [
      'a payload of the wrong length',
      'TENSOR_PAYLOAD',
      () => writeFileSync(at('m.onnx'), model(tensor('w', 'float32', [K, K + 1], weights))),
      [],
    ],
    [
      'nothing that it is for',
      'NOTHING_TO_QUANTIZE',
      () =>
        writeFileSync(
          at('m.onnx'),
          model(tensor('w', 'float16', [K, K], new Uint8Array(2 * K * K))),
        ),
      [],
    ],
    [
      'an operator that the engine lacks',
      'OPERATOR_UNSUPPORTED',
      () =>
        writeFileSync(
          at('m.onnx'),
          encodeModel({
            inputs: [value('x', 'float32', [1, K])],
            outputs: [value('y', 'float32', [1, K]), value('z', 'float32', [1])],
            initializers: [tensor('w', 'float32', [K, K], weights)],
            nodes: [node('MatMul', ['x', 'w'], ['y']), node('Frobnicate', ['x'], ['z'])],
          }),
        ),
      [],
    ],
    [
      'a weight that nothing produces',
      'GRAPH_INPUT_MISSING',
      () => writeFileSync(at('m.onnx'), model(tensor('v', 'float32', [K, K], weights))),
      [],
    ],
    [
      'a place outside of a weight file',
      'EXTERNAL_DATA_INVALID',
      () => {
        writeFileSync(at('m.onnx'), divided({ offset: '4' }));
        writeFileSync(at('w.bin'), new Uint8Array(weights.buffer));
      },
      ['--external', 'w.bin=w.bin'],
    ],
    [
      'a weight file that no tensor lies in',
      'INVALID_ARGUMENT',
      () => writeFileSync(at('w.bin'), 'weights'),
      ['--external', 'w.bin=w.bin'],
    ],
    [
      'a weight file that is not there',
      'INVALID_ARGUMENT',
      () => undefined,
      ['--external', 'w.bin=w.bin'],
    ],
    ['a node that is not there', 'INVALID_ARGUMENT', () => undefined, ['--keep', 'third']],
    ['an input that is not there', 'INPUT_UNKNOWN', () => undefined, ['--shape', 'q=1x2']],
  ])('refuses %s: %s', async (_, code, prepare, args) => {
    prepare();
    const before = files();
    const { status, stdout, stderr } = await quantize('m.onnx', '--int8', ...args);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(new RegExp(`^${code}: [^]*remedy: `));
    expect(files()).toEqual(before);
  });

  it('tells wrong arguments as JSON, too', async () => {
    const { status, stdout } = await quantize('m.onnx', '--int8', '--sparse', '--json');
    expect(status).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'INVALID_ARGUMENT', remedy: expect.any(String) as string },
    });
  });

  it.each(['int8', 'int4'])('refuses its own %s models', async (precision) => {
    await quantize('m.onnx', `--${precision}`, '-o', 'small.onnx');
    const { status, stderr } = await quantize('small.onnx', '--int4', '-o', 'smaller.onnx');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^MODEL_QUANTIZED: /);
    expect(files()).toEqual(['m.onnx', 'small.onnx']);
  });

  it.each([
    [['m.onnx'], '--int8, --int4'],
    [['--int8'], 'the model file is missing'],
    [['m.onnx', '--int8', '--int4'], '--int8, --int4'],
    [['m.onnx', '--int8', '--group', '32'], '--group goes with --int4'],
    [['m.onnx', '--int8', '--zero-points'], '--zero-points goes with --int4'],
    [['m.onnx', '--fp16', '--accuracy-level', '4'], '--accuracy-level goes with --int4'],
    [['m.onnx', '--int4', '--accuracy-level', '1'], '--accuracy-level is 0 or 4, not 1'],
    [['m.onnx', '--int4', '--group', 'many'], '--group'],
    [['m.onnx', '--int8', '-o', 'm.onnx'], 'is the model itself'],
    [['m.onnx', '--int8', '-o', 'link.onnx'], 'is the model itself'],
    [['m.onnx', '--int8', '-o', '.'], 'is a folder'],
    [['m.onnx', '--int8', '-o', 'no/m.onnx'], 'there is no folder'],
    [['m.onnx', '--int8', '--sparse'], '--sparse'],
    [['m.onnx', '--int8', '--keep', 'first,'], '--keep takes names'],
    [['m.onnx', '--int8', '-o', 'a.onnx', '-o', 'b.onnx'], '--out is given twice'],
    [['m.onnx', '--int8', '--module', 'fast'], '--module is simd or relaxed'],
    [['m.onnx', '--int8', '--shape', 'x=much'], 'a shape is written like'],
    [['https://example.com/m.onnx', '--int8'], 'is a file here'],
  ])('wrong arguments: %j', async (args, message) => {
    symlinkSync('m.onnx', at('link.onnx'));
    const { status, stderr } = await quantize(...args);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
    expect(files()).toEqual(['link.onnx', 'm.onnx']);
    expect(readFileSync(at('m.onnx'))).toEqual(Buffer.from(model()));
  });
});
