import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { manifestParser, toleranceOf, variantUrl } from '../../manifest/parse.js';
import { sampleManifest } from './sample_manifest.js';

interface Generator {
  readonly generate: () => Promise<Record<string, string>>;
}
const script = '../../tools/generate_manifest.mjs';
const { generate } = (await import(script)) as Generator;

const parseManifest = await manifestParser();
const URL = 'https://example.org/models/m.sardonyx.json';
const parse = (value: unknown) => parseManifest(JSON.stringify(value), URL);

it('tools/generate_manifest.mjs wrote the files that are in the repository', async () => {
  for (const [file, text] of Object.entries(await generate())) {
    expect(readFileSync(file, 'utf8') === text, `${file}: type: node ${script.slice(6)}`).toBe(
      true,
    );
  }
});

describe('parseManifest', () => {
  it('takes what the format allows', () => {
    expect(parse(sampleManifest())).toEqual(sampleManifest());
    expect(parse({ ...sampleManifest(), measured: { any: ['thing'] } })).toBeTruthy();
    expect(parse({ ...sampleManifest(), labels: ['a', 'b'] })).toBeTruthy();
    const chunks = { bytes: 600, sha256: ['a'.repeat(64), 'b'.repeat(64)] };
    expect(parse(variant({ chunks })({ ...sampleManifest() }))).toMatchObject({
      variants: [{ chunks }, {}, {}],
    });
    const rollout = { url: 'm2.json', version: '2', percent: 0.5, errorBudget: 0.01 };
    expect(parse({ ...sampleManifest(), rollout }).rollout).toEqual(rollout);
    const { knownAnswers: _, ...silent } = sampleManifest();
    expect(parse(silent).knownAnswers).toBeUndefined();
  });

  it.each(['https://example.com/', 'http://localhost:8000', 'http://[::1]/x', '../infer'])(
    'takes a remote at %s',
    (url) => expect(parse({ ...sampleManifest(), remote: { url } }).remote).toEqual({ url }),
  );

  it('takes a remote at its own origin', () => {
    const text = JSON.stringify({ ...sampleManifest(), remote: { url: '/infer' } });
    expect(parseManifest(text, 'http://intranet/m.sardonyx.json').remote).toBeTruthy();
  });

  it.each(['glyphs', 'denoise'])('takes the manifest of %s', (name) => {
    const text = readFileSync(`models/${name}/${name}.sardonyx.json`, 'utf8');
    expect(parseManifest(text, URL).name).toBe(name);
  });

  it('resolves files against its own URL', () => {
    const variant = sampleManifest().variants[0]!;
    expect(variantUrl(variant, URL)).toBe('https://example.org/models/m_fp32.onnx');
    const elsewhere = { ...variant, url: 'https://cdn.example/x.onnx' };
    expect(variantUrl(elsewhere, URL)).toBe('https://cdn.example/x.onnx');
  });

  it('has one tolerance for all, or one per precision', () => {
    const { variants, knownAnswers } = sampleManifest();
    expect(toleranceOf(knownAnswers[0]!, variants[2]!)).toBe(0.25);
    expect(toleranceOf({ ...knownAnswers[0]!, tolerance: 1 }, variants[2]!)).toBe(1);
  });
});

type Edit = (manifest: Record<string, unknown>) => unknown;
const variant =
  (change: object, index = 0): Edit =>
  (manifest) => {
    const variants = [...(manifest.variants as object[])];
    variants[index] = { ...variants[index], ...change };
    return { ...manifest, variants };
  };
const answer =
  (change: object): Edit =>
  (manifest) => ({
    ...manifest,
    knownAnswers: [{ ...(manifest.knownAnswers as object[])[0], ...change }],
  });
const without =
  (field: string): Edit =>
  (manifest) =>
    Object.fromEntries(Object.entries(manifest).filter(([name]) => name !== field));
const tensor = { dtype: 'float32', shape: [2], base64: 'AAAAAAAAgD8=' };

const rollout =
  (change: object): Edit =>
  (manifest) => ({
    ...manifest,
    rollout: { url: 'm2.sardonyx.json', version: '2.0.0', percent: 10, ...change },
  });

const wrong: [title: string, field: string | undefined, text: string, edit: Edit][] = [
  ['another format', 'format', 'this release reads 1', (m) => ({ ...m, format: 2 })],
  ['no format', 'format', 'is missing', without('format')],
  ['a format that is no number', 'format', 'constant', (m) => ({ ...m, format: '1' })],
  ...['name', 'version', 'license', 'inputs', 'outputs', 'variants'].map(
    (field): [string, string, string, Edit] => [`no ${field}`, field, 'missing', without(field)],
  ),
  ['an array', undefined, 'must be object', () => []],
  ['null', undefined, 'must be object', () => null],
  ['an unknown field', 'varaints', 'not a field', (m) => ({ ...m, varaints: [] })],
  ['a name with a slash', 'name', 'pattern', (m) => ({ ...m, name: '../x' })],
  ['a blank version', 'version', 'pattern', (m) => ({ ...m, version: ' ' })],
  ['no variant', 'variants', 'fewer than 1', (m) => ({ ...m, variants: [] })],
  ['an unknown field of a variant', 'variants[0].size', 'not a field', variant({ size: 3 })],
  ['a hash in capitals', 'variants[1].sha256', 'pattern', variant({ sha256: 'A'.repeat(64) }, 1)],
  ['a short hash', 'variants[0].sha256', 'pattern', variant({ sha256: 'ab' })],
  ['bytes as text', 'variants[0].bytes', 'integer', variant({ bytes: '12' })],
  ['no bytes', 'variants[0].bytes', '>= 1', variant({ bytes: 0 })],
  ['more than 4 GiB', 'variants[0].bytes', '<= 4294967295', variant({ bytes: 2 ** 32 })],
  [
    'too few hashes of chunks',
    'variants[0].chunks.sha256',
    'has 1 hashes, 1000 bytes in chunks of 600 are 2',
    variant({ chunks: { bytes: 600, sha256: ['a'.repeat(64)] } }),
  ],
  [
    'a chunk hash that is none',
    'variants[0].chunks.sha256[1]',
    'pattern',
    variant({ chunks: { bytes: 600, sha256: ['a'.repeat(64), 'b'] } }),
  ],
  [
    'chunks of no bytes',
    'variants[0].chunks.bytes',
    '>= 1',
    variant({ chunks: { bytes: 0, sha256: ['a'.repeat(64)] } }),
  ],
  ['an unknown precision', 'variants[0].precision', 'fp16', variant({ precision: 'fp8' })],
  ['an unknown device', 'variants[0].devices[0]', 'webgpu', variant({ devices: ['gpu'] })],
  ['no device', 'variants[0].devices', 'fewer than 1', variant({ devices: [] })],
  ['a need that is none', 'variants[0].needs.ram', 'not a field', variant({ needs: { ram: 1 } })],
  [
    'an unknown feature',
    'variants[0].needs.features[0]',
    'relaxed-simd',
    variant({ needs: { features: ['gpu'] } }),
  ],
  [
    'a need of no memory',
    'variants[0].needs.memoryBytes',
    '>= 1',
    variant({ needs: { memoryBytes: 0 } }),
  ],
  ['a variant twice', 'variants[2].name', 'earlier variant', variant({ name: 'fp32' }, 2)],
  ['a rollout without a version', 'rollout.version', 'missing', rollout({ version: undefined })],
  ['a rollout to more than all', 'rollout.percent', '<= 100', rollout({ percent: 101 })],
  ['a rollout to less than none', 'rollout.percent', '>= 0', rollout({ percent: -1 })],
  ['a rollout of itself', 'rollout.version', 'of the manifest', rollout({ version: '1.0.0' })],
  ['a rollout from no URL', 'rollout.url', 'not a URL', rollout({ url: 'https://' })],
  ['no error budget at all', 'rollout.errorBudget', '> 0', rollout({ errorBudget: 0 })],
  ['a budget of no time', 'rollout.latencyBudgetMs', '> 0', rollout({ latencyBudgetMs: 0 })],
  ['an unknown field of a rollout', 'rollout.share', 'not a field', rollout({ share: 1 })],
  ['a URL that is none', 'variants[0].url', 'not a URL', variant({ url: 'https://' })],
  [
    'an unknown dtype of an input',
    'inputs[0].dtype',
    'float32',
    (m) => ({ ...m, inputs: [{ name: 'x', dtype: 'float', shape: [2] }] }),
  ],
  [
    'a negative dim',
    'inputs[0].shape[0]',
    '>= 0',
    (m) => ({ ...m, inputs: [{ name: 'x', dtype: 'float32', shape: [-1] }] }),
  ],
  ...['http://example.com/', 'ftp://localhost/', 'https://'].map(
    (url): [string, string, string, Edit] => [
      `a remote at ${url}`,
      'remote.url',
      url,
      (m) => ({ ...m, remote: { url } }),
    ],
  ),
  ['a remote without a URL', 'remote.url', 'missing', (m) => ({ ...m, remote: { model: 'm' } })],
  ['a look-alike alone', 'lookAlikes[0]', 'fewer than 2', (m) => ({ ...m, lookAlikes: [['0']] })],
  [
    'an answer about another input',
    'knownAnswers[0].inputs.z',
    'not named in inputs',
    answer({ inputs: { z: tensor } }),
  ],
  [
    'an answer of the wrong size',
    'knownAnswers[0].inputs.x.base64',
    'holds 8 bytes, float32 [3] takes 12',
    answer({ inputs: { x: { ...tensor, shape: [3] } } }),
  ],
  [
    'letters that are not base64',
    'knownAnswers[0].inputs.x.base64',
    'pattern',
    answer({ inputs: { x: { ...tensor, base64: '%%%%' } } }),
  ],
  ['a tolerance below 0', 'knownAnswers[0].tolerance', '', answer({ tolerance: -1 })],
  [
    'no tolerance for a precision',
    'knownAnswers[0].tolerance',
    'fp16',
    answer({ tolerance: { fp32: 1, int8: 1 } }),
  ],
];

describe('MANIFEST_INVALID', () => {
  it.each(wrong)('%s', (_, field, text, edit) => {
    const value = edit(sampleManifest() as unknown as Record<string, unknown>);
    let thrown: unknown;
    try {
      parse(value);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({
      code: 'MANIFEST_INVALID',
      where: { url: URL, ...(field ? { field } : {}) },
    });
    const { message } = thrown as Error;
    for (const part of [URL, text, field ?? '']) expect(message).toContain(part);
  });

  it.each(['', '{', '{"format": 1,}'])('text that is not JSON: %s', (text) => {
    expect(() => parseManifest(text, URL)).toThrow('is not JSON');
  });
});
