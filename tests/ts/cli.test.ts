// The commands inspect, run, profile and doctor.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { sardonyx as runCommand } from './command_line.js';
import { linearModel, twoOutputModel, unknownOperatorModel } from './models.js';

const folder = resolve('build/cli_test');
const onnx = (name: string) => resolve(folder, `${name}.onnx`);

interface Weights {
  readonly weightBytes: number;
  readonly packedBytes: number;
}

const sardonyx = (...args: string[]) => runCommand(folder, ...args);

async function json(...args: string[]): Promise<unknown> {
  const { status, stdout, stderr } = await sardonyx(...args, '--json');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout);
}

// Version 1.0 of the format: a padded header, then the elements.
function npy(descr: string, shape: string, data: ArrayBufferView): Uint8Array {
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const head = Buffer.from(`\x93NUMPY\x01\x00\x76\x00${header}\n`, 'latin1');
  return Buffer.concat([head, bytes]);
}

const values = Float32Array.of(1, 2, 3, 4);
const raw = new Uint8Array(values.buffer);
// dims [1, 4] packed, data_type float.
const protoHead = [0x0a, 2, 1, 4, 0x10, 1];

beforeAll(() => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(onnx('linear'), linearModel());
  writeFileSync(onnx('two'), twoOutputModel());
  // The sample describes the linear model.
  writeFileSync(onnx('model'), linearModel());
  const [, sample] = /^```json\n(.*?)^```$/ms.exec(readFileSync('docs/manifest.md', 'utf8'))!;
  writeFileSync(resolve(folder, 'model.sardonyx.json'), sample!);
  writeFileSync(onnx('unknown'), unknownOperatorModel());
  writeFileSync(resolve(folder, 'x.bin'), raw);
  writeFileSync(resolve(folder, 'x.npy'), npy('<f4', '(1, 4)', values));
  writeFileSync(resolve(folder, 'raw.pb'), Buffer.from([...protoHead, 0x4a, 16, ...raw]));
  writeFileSync(resolve(folder, 'floats.pb'), Buffer.from([...protoHead, 0x22, 16, ...raw]));
  writeFileSync(resolve(folder, 'ints.npy'), npy('<i4', '(1, 4)', Int32Array.of(1, 2, 3, 4)));
  writeFileSync(resolve(folder, 'cut.pb'), Buffer.from([...protoHead, 0x4a, 16, 1, 2]));
});

describe('sardonyx inspect', { timeout: 60_000 }, () => {
  it('tells what a manifest offers and what is taken of it', async () => {
    expect(await json('inspect', 'model.sardonyx.json')).toMatchObject({
      manifest: { name: 'linear', variants: [{ name: 'fp32' }] },
      variant: 'fp32',
      operators: { MatMul: 1 },
    });
    const { stdout } = await sardonyx('inspect', 'model.sardonyx.json');
    expect(stdout).toContain('linear 1.0.0, MIT');
    expect(stdout).toContain('fp32  model.onnx, 211 bytes, for webgpu and cpu, taken here');
  });

  it('tells what the model is', async () => {
    const report = (await json('inspect', 'linear.onnx')) as Weights;
    expect(report.weightBytes + report.packedBytes).toBeGreaterThanOrEqual(48);
    expect(report).toMatchObject({
      file: 'linear.onnx',
      inputs: [{ name: 'image', type: 'float32', shape: ['batch', 4], optional: false }],
      outputs: [{ name: 'scores', shape: ['batch', 3] }],
      operators: { MatMul: 1 },
      warnings: [],
    });
    const { status, stdout } = await sardonyx('inspect', 'linear.onnx');
    expect(status).toBe(0);
    expect(stdout).toContain('image  float32 [batch, 4]');
    expect(stdout).toMatch(/operators \(1 nodes\)\n +1 {2}MatMul/);
    expect(stdout).toContain(`${report.packedBytes} packed`);
  });

  it('tells errors with code, message and remedy', async () => {
    const { status, stdout, stderr } = await sardonyx('inspect', 'unknown.onnx');
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^OPERATOR_UNSUPPORTED: .*Frobnicate[^]*\n {2}remedy: Export the model/);
    const other = await sardonyx('inspect', 'nowhere.onnx', '--json');
    expect(other.status).toBe(1);
    expect(JSON.parse(other.stdout)).toMatchObject({
      error: { code: 'NETWORK_FAILED', scope: 'network' },
    });
  });
});

describe('sardonyx run', { timeout: 60_000 }, () => {
  it.each(['x.bin', 'x.npy', 'raw.pb', 'floats.pb'])('feeds %s', async (file) => {
    expect(await json('run', 'linear.onnx', '--input', `image=${file}`)).toMatchObject({
      inputs: [{ name: 'image', shape: [1, 4], from: file }],
      outputs: [{ name: 'scores', shape: [1, 3], min: 20, max: 220, mean: 120, nan: 0 }],
    });
  });

  it('makes random feeds of the shape asked for, and measures', async () => {
    const args = ['--shape', 'image=5x4', '--repeat', '3', '--threads', '1', '--module', 'simd'];
    const report = (await json('run', 'linear.onnx', ...args)) as { medianMs: number };
    expect(report).toMatchObject({
      module: 'simd',
      threads: 1,
      repeat: 3,
      inputs: [{ shape: [5, 4], from: 'random' }],
      outputs: [{ shape: [5, 3] }],
    });
    expect(report.medianMs).toBeGreaterThan(0);
    const { stdout } = await sardonyx('run', 'two.onnx');
    expect(stdout).toMatch(/y {2}float32 \[2, 2\] {2}min .*, max .*, mean /);
    expect(stdout).toMatch(/median [\d.]+ ms of 1\n$/);
  });

  it.each([
    ['image=ints.npy', 'INPUT_DTYPE'],
    ['image=cut.pb', 'INVALID_ARGUMENT'],
    ['image=nowhere.bin', 'INVALID_ARGUMENT'],
    ['picture=x.bin', 'INPUT_UNKNOWN'],
  ])('refuses --input %s', async (input, code) => {
    const { status, stderr } = await sardonyx('run', 'linear.onnx', '--input', input);
    expect(status).toBe(1);
    expect(stderr).toMatch(new RegExp(`^${code}: .*\\n[^]*remedy: `));
  });

  it('refuses a shape that does not fit the elements', async () => {
    const args = ['--input', 'image=x.bin', '--shape', 'image=2x4'];
    const { status, stderr } = await sardonyx('run', 'linear.onnx', ...args);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^INPUT_SIZE: /);
  });
});

describe('sardonyx profile', { timeout: 60_000 }, () => {
  it('lists steps and kernels, and writes a trace', async () => {
    const args = ['--shape', 'image=5x4', '--runs', '3', '--threads', '1', '--trace', 'trace.json'];
    const { profile } = (await json('profile', 'linear.onnx', ...args)) as { profile: object };
    expect(profile).toMatchObject({
      runs: 3,
      route: { threads: 1 },
      steps: [{ operator: 'MatMul', calls: 1, flops: 2 * 5 * 4 * 3 }],
    });
    const trace = JSON.parse(readFileSync(resolve(folder, 'trace.json'), 'utf8')) as object;
    expect(trace).toMatchObject({ traceEvents: expect.any(Array) as unknown[] });
    const { stdout } = await sardonyx('profile', 'two.onnx', '--runs', '2');
    expect(stdout).toMatch(/^two\.onnx: (simd|relaxed), \d+ threads?\n.*mean of 2 runs/);
    expect(stdout).toMatch(/share +GFLOP\/s +GB\/s +step\n.* % /);
    expect(stdout).toMatch(/by kernel\n.* % /);
  });

  it('refuses a trace that can not be written', async () => {
    const args = ['--trace', 'nowhere/trace.json', '--runs', '1'];
    const { status, stderr } = await sardonyx('profile', 'linear.onnx', ...args);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^INVALID_ARGUMENT: can not write nowhere/);
  });
});

describe('sardonyx doctor', { timeout: 60_000 }, () => {
  it('tells what there is and what would be used', async () => {
    expect(await json('doctor')).toMatchObject({
      versions: { node: process.versions.node },
      engine: true,
      threads: true,
      chosen: { module: expect.stringMatching(/^(simd|relaxed)$/) as string },
    });
    const { status, stdout } = await sardonyx('doctor');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^chosen +(simd|relaxed), \d+ thread/m);
  });
});

describe('sardonyx', { timeout: 60_000 }, () => {
  it.each([[[]], [['fly']], [['run']], [['inspect', 'a', 'b']], [['doctor', '--speed']]])(
    'refuses %j with status 2',
    async (args) => {
      const { status, stdout, stderr } = await sardonyx(...args);
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toMatch(/sardonyx/);
    },
  );

  it.each(['--repeat=0', '--threads=99', '--module=fast', '--shape=image', '--shape=image=1xa'])(
    'refuses %s with status 2',
    async (option) => {
      const { status, stderr } = await sardonyx('run', 'linear.onnx', option);
      expect(status).toBe(2);
      expect(stderr).toContain('usage: sardonyx run FILE');
    },
  );

  it.each(['inspect', 'run', 'profile', 'doctor'])('%s --help', async (command) => {
    const { status, stdout } = await sardonyx(command, '--help');
    expect(status).toBe(0);
    expect(stdout).toContain(`sardonyx ${command}`);
    expect(stdout).toContain('--json');
    expect((await sardonyx('--help')).stdout).toContain(`  ${command}`);
  });
});
