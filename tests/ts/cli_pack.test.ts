// sardonyx pack: folders of .onnx files.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { findPrecision } from '../../cli/pack/precision.js';
import { manifestParser, type Manifest } from '../../manifest/parse.js';
import { sardonyx } from './command_line.js';
import { linearModel, linearVariant, twoOutputModel, unknownOperatorModel } from './models.js';

const parseManifest = await manifestParser();
const folder = resolve('build/cli_pack_test/linear');
const at = (name: string) => resolve(folder, name);
const pack = (...args: string[]) => sardonyx(folder, 'pack', '.', ...args);
const read = (name = 'linear.sardonyx.json'): Manifest =>
  parseManifest(readFileSync(at(name), 'utf8'), name);

async function packed(...args: string[]): Promise<Manifest> {
  const { status, stderr } = await pack(...args);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return read();
}

beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(at('a_int8.onnx'), linearVariant('int8'));
  writeFileSync(at('b_half.onnx'), linearVariant('fp16'));
  writeFileSync(at('c.onnx'), linearModel());
});

describe('the precision of a model', () => {
  it('is found by its operators and weights', () => {
    expect(findPrecision(linearModel())).toBe('fp32');
    for (const precision of ['fp16', 'int8', 'int4'] as const) {
      expect(findPrecision(linearVariant(precision))).toBe(precision);
    }
  });
});

describe('sardonyx pack', { timeout: 60_000 }, () => {
  it('writes a manifest that the library serves', async () => {
    const manifest = await packed('--license', 'MIT', '--dim', 'batch=2');
    const model = linearModel();
    expect(manifest).toMatchObject({
      name: 'linear',
      version: '1.0.0',
      license: 'MIT',
      inputs: [{ name: 'image', dtype: 'float32', shape: ['batch', 4] }],
      outputs: [{ name: 'scores', dtype: 'float32', shape: ['batch', 3] }],
      variants: [
        {
          name: 'fp32',
          url: 'c.onnx',
          bytes: model.length,
          sha256: createHash('sha256').update(model).digest('hex'),
        },
        { name: 'fp16', url: 'b_half.onnx', precision: 'fp16', devices: ['webgpu', 'cpu'] },
        { name: 'int8', url: 'a_int8.onnx', precision: 'int8', devices: ['cpu'], opset: 13 },
      ],
      knownAnswers: [{ inputs: { image: { shape: [2, 4] } }, outputs: { scores: {} } }],
    });
    expect(readdirSync(folder)).toHaveLength(4);
    const { stdout } = await sardonyx(folder, 'inspect', 'linear.sardonyx.json', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ variant: 'int8' });
    expect(stdout).not.toContain('SELFTEST_FAILED');
  });

  it('hashes large files in parts of 1 MiB', async () => {
    // A doc_string of 1.5 MiB behind the model.
    const text = Buffer.alloc(3 << 19, 'x');
    const large = Buffer.concat([linearModel(), Buffer.from([0x32, 0x80, 0x80, 0x60]), text]);
    writeFileSync(at('c.onnx'), large);
    const { variants } = await packed('--license', 'MIT');
    const hash = (part: Uint8Array) => createHash('sha256').update(part).digest('hex');
    expect(variants.map(({ chunks }) => chunks)).toEqual([
      {
        bytes: 1 << 20,
        sha256: [hash(large.subarray(0, 1 << 20)), hash(large.subarray(1 << 20))],
      },
      undefined,
      undefined,
    ]);
  });

  it('allows each precision what it was measured to be off by', async () => {
    const { knownAnswers } = await packed('--license', 'MIT');
    const { outputs, tolerance } = knownAnswers![0]!;
    const bytes = Buffer.from(outputs.scores!.base64, 'base64');
    const scale = Math.max(...new Float32Array(Uint8Array.from(bytes).buffer));
    const allowed = tolerance as Record<string, number>;
    expect(allowed.fp32! / scale).toBeCloseTo(1e-4, 5);
    // All its weights are 0: it is off by the outputs themselves.
    expect(allowed.fp16! / scale).toBeCloseTo(3, 1);
  });

  it('makes the same known answer each time, another one of another seed', async () => {
    const first = readAnswer(await packed('--license', 'MIT'));
    const again = async (...args: string[]) => {
      rmSync(at('linear.sardonyx.json'));
      return readAnswer(await packed('--license', 'MIT', ...args));
    };
    expect(await again()).toBe(first);
    expect(await again('--seed', '2')).not.toBe(first);
  });

  it('keeps what people wrote, and measures anew what has changed', async () => {
    const written = {
      ...(await packed('--license', 'MIT')),
      title: 'Products',
      labels: ['low', 'middle', 'high'],
      measured: { accuracy: 0.5 },
    };
    written.inputs[0]!.prepare = 'Four grey levels.';
    written.knownAnswers![0]!.title = 'an example';
    written.variants[1]!.name = 'half';
    written.variants[1]!.devices = ['cpu'];
    writeFileSync(at('linear.sardonyx.json'), JSON.stringify(written));
    expect(await packed()).toEqual(written);

    writeFileSync(at('c.onnx'), linearVariant('int8'));
    const changed = await packed('--version', '2.0.0', '--precision', 'c=fp32');
    expect(changed).toMatchObject({ title: 'Products', version: '2.0.0', license: 'MIT' });
    const [before, after] = [written.knownAnswers![0]!, changed.knownAnswers![0]!];
    expect(after.inputs).toEqual(before.inputs);
    expect(after.outputs).not.toEqual(before.outputs);
    expect(changed.variants[0]!.sha256).not.toBe(written.variants[0]!.sha256);
  });

  it('tells variants of one precision apart, and names their place from that of the manifest', async () => {
    mkdirSync(at('deep'));
    const { status, stdout } = await pack(
      ...['--license', 'MIT', '--precision', 'b_half=fp32', '--out', 'deep/x.sardonyx.json'],
      '--json',
    );
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      manifest: {
        variants: [
          { name: 'b_half', url: '../b_half.onnx' },
          { name: 'c', precision: 'fp32' },
          { name: 'int8' },
        ],
      },
    });
    expect(read('deep/x.sardonyx.json').name).toBe('linear');
  });
});

const readAnswer = ({ knownAnswers }: Manifest) => knownAnswers![0]!.inputs.image!.base64;

describe('sardonyx pack refuses', { timeout: 60_000 }, () => {
  it.each<[string, string, () => void, string[]]>([
    ['another model', 'MODEL_UNSUPPORTED', () => writeFileSync(at('d.onnx'), twoOutputModel()), []],
    [
      'a model that can not run',
      'OPERATOR_UNSUPPORTED',
      () => writeFileSync(at('d.onnx'), unknownOperatorModel()),
      [],
    ],
    ['what is no model', 'MODEL_MALFORMED', () => writeFileSync(at('d.onnx'), 'not a model'), []],
    [
      'a wrong manifest',
      'MANIFEST_INVALID',
      () => writeFileSync(at('linear.sardonyx.json'), '{"format":1}'),
      [],
    ],
    [
      'a name that is none',
      'MANIFEST_INVALID',
      () => undefined,
      ['--name', 'a b', '--out', 'x.sardonyx.json'],
    ],
    [
      'a folder that is not there',
      'INVALID_ARGUMENT',
      () => undefined,
      ['--out', 'no/x.sardonyx.json'],
    ],
    [
      'a folder without models',
      'INVALID_ARGUMENT',
      () => ['a_int8', 'b_half', 'c'].forEach((name) => rmSync(at(`${name}.onnx`))),
      [],
    ],
  ])('%s: %s', async (_, code, prepare, args) => {
    prepare();
    const files = readdirSync(folder);
    const { status, stdout, stderr } = await pack('--license', 'MIT', ...args);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(new RegExp(`^${code}: [^]*remedy: `));
    expect(readdirSync(folder)).toEqual(files);
  });

  it.each([
    [['--license', 'MIT', '--precision', 'c=fp8'], 'not fp8'],
    [['--license', 'MIT', '--precision', 'd=fp16'], 'there is no d.onnx'],
    [['--license', 'MIT', '--dim', 'batch=many'], '--dim'],
    [['--license', 'MIT', '--out', '.'], '--out is a file'],
    [[], 'needs --license'],
  ])('%j', async (args, message) => {
    const { status, stderr } = await pack(...args);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
  });
});
