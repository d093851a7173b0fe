// Manifests in the built library, in Node. Needs dist/: npm run build.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type * as Sardonyx from '../../web/index.js';
import type { Manifest, Variant } from '../../manifest/parse.js';
import { linearModel, unknownOperatorModel } from './models.js';

const entry = resolve(process.env.SARDONYX_DIST ?? 'dist', 'index.mjs');
if (!existsSync(entry)) throw new Error('missing: dist/. Type: npm run build');
const { availability, load, models, Tensor } = (await import(
  pathToFileURL(entry).href
)) as typeof Sardonyx;

const folder = resolve('build/manifest_test');
const base64 = (...values: number[]) =>
  Buffer.from(Float32Array.from(values).buffer).toString('base64');

function variant(name: string, precision: Variant['precision'], change = {}): Variant {
  const bytes = readFileSync(resolve(folder, 'linear.onnx'));
  return {
    name,
    precision,
    url: 'linear.onnx',
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    devices: ['cpu'],
    opset: 17,
    ...change,
  };
}

const manifest = (variants: readonly Variant[], change: Partial<Manifest> = {}): Manifest => ({
  format: 1,
  name: 'linear',
  version: '1',
  license: 'MIT',
  inputs: [{ name: 'image', dtype: 'float32', shape: ['batch', 4] }],
  outputs: [{ name: 'scores', dtype: 'float32', shape: ['batch', 3] }],
  variants: [...variants],
  knownAnswers: [
    {
      title: 'ones',
      inputs: { image: { dtype: 'float32', shape: [1, 4], base64: base64(1, 1, 1, 1) } },
      outputs: { scores: { dtype: 'float32', shape: [1, 3], base64: base64(6, 46, 86) } },
      tolerance: 1e-3,
    },
  ],
  ...change,
});

function write(name: string, value: Manifest): URL {
  const file = resolve(folder, `${name}.sardonyx.json`);
  writeFileSync(file, JSON.stringify(value));
  return pathToFileURL(file);
}

beforeAll(() => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(resolve(folder, 'linear.onnx'), linearModel());
  writeFileSync(resolve(folder, 'unknown.onnx'), unknownOperatorModel());
});

const image = () => new Tensor('float32', Float32Array.of(1, 2, 3, 4), [1, 4]);
const unknown = () => {
  const bytes = readFileSync(resolve(folder, 'unknown.onnx'));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return variant('int8', 'int8', { url: 'unknown.onnx', bytes: bytes.length, sha256 });
};

describe.each(['worker', 'inline'] as const)('a manifest, %s', (execution) => {
  it('serves its best variant after a self-test', async () => {
    const url = write('good', manifest([variant('fp32', 'fp32'), variant('fp16', 'fp16')]));
    const seen: string[] = [];
    const onProgress = ({ phase }: { phase: string }) => seen.push(phase);
    const session = await load(url, { execution, onProgress });
    expect(session.route).toMatchObject({ device: 'cpu', variant: 'fp16', precision: 'fp16' });
    expect(session.manifest?.name).toBe('linear');
    expect(session.route.why.join('\n')).toContain('variant fp16 on cpu');
    expect([...new Set(seen)]).toEqual(['download', 'verify', 'compile', 'selftest']);
    const { scores } = await session.run({ image: image() });
    expect(Array.from(scores!.data as Float32Array)).toEqual([20, 120, 220]);
    const { variant: explained, precision, why } = await session.explain();
    expect({ explained, precision }).toEqual({ explained: 'fp16', precision: 'fp16' });
    expect(why).toEqual(session.route.why);
    await session.dispose();
  });

  it('leaves a variant that it can not run, and says so', async () => {
    const url = write('fallback', manifest([variant('fp32', 'fp32'), unknown()]));
    const session = await load(url, { execution });
    const degraded = new Promise((done) => session.addEventListener('degrade', done));
    expect(session.route.variant).toBe('fp32');
    expect(session.route.why.join('\n')).toContain('Frobnicate');
    await degraded;
    await session.dispose();
  });

  it('serves its candidate version, and the stable one where that is wrong', async () => {
    const told: unknown[] = [];
    const onTelemetry = ({ type, version }: { type: string; version?: string }) => {
      told.push(`${type} ${version}`);
      return Promise.reject(new Error('of the hook'));
    };
    const good = manifest([variant('fp32', 'fp32')], { version: '2' });
    const wrong = structuredClone({ ...good, version: '3' });
    wrong.knownAnswers![0]!.outputs.scores!.base64 = base64(6, 46, 87);
    for (const { candidate, served } of [
      { candidate: good, served: '2' },
      { candidate: wrong, served: '1' },
    ]) {
      const { version } = candidate;
      write(`candidate ${version}`, candidate);
      const rollout = { url: `candidate ${version}.sardonyx.json`, version, percent: 100 };
      const name = `stable of ${version} ${execution}`;
      const url = write(name, manifest([variant('fp16', 'fp16')], { rollout }));
      const session = await load(url, { execution, onTelemetry });
      expect(session.route.version).toBe(served);
      const left = new Promise((done) => session.addEventListener('rollback', done));
      if (served === '1') await left;
      const { scores } = await session.run({ image: image() });
      expect(Array.from(scores!.data as Float32Array)).toEqual([20, 120, 220]);
      await session.dispose();
      const { ranked } = await availability(url);
      expect(ranked[0]!.version).toBe(served);
    }
    expect(told).toEqual(['route 2', 'latency 2', 'route 1', 'rollback 1', 'latency 1']);
  });

  it('takes the version that is forced, or the one that is not excluded', async () => {
    const good = manifest([variant('fp32', 'fp32')], { version: '2' });
    write('second', good);
    const staged = (name: string, percent: number) =>
      write(
        `${name} ${execution}`,
        manifest([variant('fp16', 'fp16')], {
          rollout: { url: 'second.sardonyx.json', version: '2', percent },
        }),
      );
    const [nobody, all] = [staged('to nobody', 0), staged('to all', 100)];
    const forced = (version: string) => ({ force: { version } });
    const excluded = (version: string) => ({ exclude: [{ version }] });
    for (const [url, options, version, why] of [
      [nobody, {}, '1', ''],
      [nobody, forced('candidate'), '2', 'version 2: forced'],
      [nobody, forced('2'), '2', 'version 2: forced'],
      [nobody, { force: { version: '2', variant: 'fp32' } }, '2', 'version 2: forced'],
      [nobody, excluded('stable'), '2', 'version 1 is excluded'],
      [all, {}, '2', 'bucket'],
      [all, forced('stable'), '1', 'version 1: forced'],
      [all, forced('1'), '1', 'version 1: forced'],
      [all, excluded('2'), '1', 'version 2 is excluded'],
      [all, { exclude: [{ version: '2', precision: 'fp32' as const }] }, '1', 'did not start'],
    ] as const) {
      const { ranked } = await availability(url, options);
      const session = await load(url, { execution, ...options });
      const { version: served, why: reasons } = session.route;
      expect([served, reasons.join()]).toEqual([version, expect.stringContaining(why)]);
      if (why !== 'did not start') expect(ranked[0]!.version).toBe(version);
      const { scores } = await session.run({ image: image() });
      expect(Array.from(scores!.data as Float32Array)).toEqual([20, 120, 220]);
      await session.dispose();
    }
    for (const [options, code] of [
      [forced('3'), 'INVALID_ARGUMENT'],
      [{ exclude: [{ version: 'stable' }, { version: 'candidate' }] }, 'NO_CANDIDATE'],
    ] as const) {
      await expect(load(all, { execution, ...options })).rejects.toMatchObject({ code });
    }
    await expect(load(linearModel(), { execution, ...forced('stable') })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      where: { field: 'force.version' },
    });
  });

  it('rejects where the forced version does not start, and refuses it once it was wrong', async () => {
    const wrong = manifest([variant('fp32', 'fp32', { sha256: '0'.repeat(64) })], { version: '5' });
    write('wrong version', wrong);
    const rollout = { url: 'wrong%20version.sardonyx.json', version: '5', percent: 0 };
    const url = write(`to a wrong one ${execution}`, manifest([variant('a', 'fp32')], { rollout }));
    const forced = () => load(url, { execution, force: { version: 'candidate' } });
    await expect(forced()).rejects.toMatchObject({ code: 'FILE_MISMATCH' });
    await expect(forced()).rejects.toMatchObject({
      code: 'NO_CANDIDATE',
      message: expect.stringContaining('version 5 was rolled back') as string,
    });
    const session = await load(url, { execution });
    expect(session.route.version).toBe('1');
    await session.dispose();
  });

  it('repeats runs of the stable version on the candidate, and tells how they differ', async () => {
    const second = manifest([variant('fp32', 'fp32')], { version: '2' });
    write('shadow', second);
    const rollout = { url: 'shadow.sardonyx.json', version: '2', percent: 0 };
    const stable = manifest([variant('fp16', 'fp16')], { rollout });
    const url = write(`with a shadow ${execution}`, stable);
    const told: Sardonyx.ShadowNews[] = [];
    const onTelemetry = (event: Sardonyx.TelemetryEvent) => {
      if (event.type === 'shadow') told.push(event);
    };
    const session = await load(url, { execution, shadow: { share: 1 }, onTelemetry });
    expect(session.route.version).toBe('1');
    const lent = session.allocate('image', [1, 4]);
    for (const given of [image(), lent]) {
      (given.data as Float32Array).set([1, 2, 3, 4]);
      const { scores } = await session.run({ image: given });
      expect(Array.from(scores!.data as Float32Array)).toEqual([20, 120, 220]);
      // Of no matter to the run that is repeated.
      (given.data as Float32Array).fill(7);
      (scores!.data as Float32Array).fill(7);
      await expect.poll(() => told.length, { timeout: 30_000 }).toBe(given === lent ? 2 : 1);
    }
    for (const event of told) {
      expect(event).toMatchObject({
        version: '1',
        candidate: '2',
        differences: [{ output: 'scores', maxAbs: 0, maxRel: 0 }],
        dropped: 0,
        stopped: false,
      });
      expect(event.candidateRoute).toMatch(/^fp32-cpu-.*@2$/);
      expect(Math.min(event.stableMs, event.candidateMs!)).toBeGreaterThan(0);
    }
    expect(session.route.version).toBe('1');
    await session.dispose();

    // Its bucket is not in 0 %.
    const outside = await load(url, { execution, shadow: true, onTelemetry });
    await outside.run({ image: image() });
    await outside.dispose();
    expect(told).toHaveLength(2);
  });

  it('stops a shadow that does not start, and serves on', async () => {
    const wrong = manifest([variant('fp32', 'fp32', { sha256: '1'.repeat(64) })], { version: '7' });
    write('wrong shadow', wrong);
    const rollout = { url: 'wrong%20shadow.sardonyx.json', version: '7', percent: 100 };
    const stable = manifest([variant('fp16', 'fp16')], { rollout });
    const url = write(`with a wrong shadow ${execution}`, stable);
    const told: Sardonyx.TelemetryEvent[] = [];
    const options = {
      execution,
      shadow: true,
      onTelemetry: (event: Sardonyx.TelemetryEvent) => told.push(event),
    } as const;
    const session = await load(url, options);
    for (let i = 0; i < 3; i++) {
      const { scores } = await session.run({ image: image() });
      expect(Array.from(scores!.data as Float32Array)).toEqual([20, 120, 220]);
      await expect
        .poll(() => told.filter(({ type }) => type === 'shadow').length, { timeout: 30_000 })
        .toBe(1);
    }
    await expect.poll(() => told.map(({ type }) => type)).toEqual(['route', 'shadow', 'verdict']);
    expect(told[1]).toMatchObject({ candidate: '7', code: 'FILE_MISMATCH', stopped: true });
    expect(told[2]).toMatchObject({ candidate: '7', verdict: 'rolled back' });
    expect(session.route.version).toBe('1');
    await session.dispose();
    const later = await load(url, options);
    await later.run({ image: image() });
    await later.dispose();
    expect(told.filter(({ type }) => type === 'shadow')).toHaveLength(1);
  });

  it('starts no shadow without the memory for it, which is no verdict', async () => {
    const memory = vi.spyOn(process.getBuiltinModule('node:os'), 'totalmem');
    onTestFinished(() => memory.mockRestore());
    memory.mockReturnValue(2 * 2 ** 30);
    const needs = { memoryBytes: 1.5 * 2 ** 30 };
    write('large shadow', manifest([variant('fp32', 'fp32', { needs })], { version: '8' }));
    const rollout = { url: 'large%20shadow.sardonyx.json', version: '8', percent: 100 };
    const url = write(
      `with a large shadow ${execution}`,
      manifest([variant('fp16', 'fp16')], { rollout }),
    );
    const told: Sardonyx.TelemetryEvent[] = [];
    const onTelemetry = (event: Sardonyx.TelemetryEvent) => told.push(event);
    const session = await load(url, { execution, shadow: true, onTelemetry });
    await session.run({ image: image() });
    await expect.poll(() => told.map(({ type }) => type)).toEqual(['route', 'shadow']);
    expect(told[1]).toMatchObject({
      candidate: '8',
      code: 'NO_CANDIDATE',
      message: expect.stringContaining('no memory for it beside') as string,
      stopped: true,
    });
    await session.run({ image: image() });
    await session.dispose();
    expect(told.map(({ type }) => type)).toEqual(['route', 'shadow', 'latency']);
  });

  it.each([{ share: 0 }, { share: 1.1 }, { share: 'all' }, 1, null, 'yes'])(
    'refuses the shadow %o',
    async (shadow) => {
      const options = { execution, shadow: shadow as never, onTelemetry: () => undefined };
      await expect(load(linearModel(), options)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        where: { field: 'shadow' },
      });
    },
  );

  it('refuses a shadow that nobody hears of', async () => {
    await expect(load(linearModel(), { execution, shadow: true })).rejects.toMatchObject({
      where: { field: 'shadow' },
      message: expect.stringContaining('onTelemetry') as string,
    });
  });

  it('gives a wrong answer no chance', async () => {
    const wrong = manifest([variant('fp32', 'fp32')]);
    wrong.knownAnswers![0]!.outputs.scores!.base64 = base64(6, 46, 87);
    const failure = load(write('wrong', wrong), { execution });
    await expect(failure).rejects.toMatchObject({
      code: 'SELFTEST_FAILED',
      scope: 'route',
      message: expect.stringContaining('"ones"') as string,
      attempts: expect.arrayContaining([
        expect.objectContaining({ code: 'SELFTEST_FAILED' }),
      ]) as unknown[],
    });
    const session = await load(write('right', manifest([variant('fp32', 'fp32', { name: 'x' })])), {
      execution,
      force: { device: 'cpu' },
    });
    await session.dispose();
  });
});

describe('where there is no storage', () => {
  it('nothing is kept', async () => {
    const url = write('good', manifest([variant('fp32', 'fp32')]));
    const session = await load(url);
    expect(session).toMatchObject({ offline: 'off', offlineProblem: undefined });
    await session.dispose();
    await expect(models.keep(url)).rejects.toMatchObject({
      name: 'SardonyxError',
      code: 'STORAGE_MISSING',
      scope: 'storage',
    });
    expect(await models.list()).toEqual([]);
    expect(await models.usage()).toEqual({ bytes: 0 });
    expect(await models.persist()).toBe(false);
    await models.remove('linear');
  });
});

describe('files from a server', () => {
  const right = () => readFileSync(resolve(folder, 'linear.onnx'));
  const files: Readonly<Record<string, (response: ServerResponse) => void>> = {
    '/right.onnx': (response) => response.end(right()),
    '/long.onnx': (response) => response.end(Buffer.concat([right(), right()])),
    // Without a length, so that only the end tells.
    '/short.onnx': (response) => {
      response.write(right().subarray(0, 100));
      response.end();
    },
    '/cut.onnx': (response) => {
      response.writeHead(200, { 'Content-Length': right().length });
      response.write(right().subarray(0, 100));
      setTimeout(() => response.destroy(), 20);
    },
  };
  const server = createServer((request, response) => {
    const url = request.url!;
    if (url in files) return files[url]!(response);
    response.end(
      JSON.stringify(manifest([variant('fp32', 'fp32', { url: `/${url.slice(4, -5)}.onnx` })])),
    );
  });
  let base: string;
  beforeAll(async () => {
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => void server.close());

  it.each([
    ['long', 'FILE_MISMATCH'],
    ['short', 'FILE_MISMATCH'],
    ['cut', 'NETWORK_FAILED'],
  ])('a %s one is %s, and the next load works', async (name, code) => {
    await expect(load(`${base}/of/${name}.json`)).rejects.toMatchObject({ code });
    const session = await load(`${base}/of/right.json`);
    await session.dispose();
  });
});

describe('what a manifest may be', () => {
  it('bytes and Blobs too, with absolute URLs in them', async () => {
    const url = pathToFileURL(resolve(folder, 'linear.onnx')).href;
    const text = JSON.stringify(manifest([variant('fp32', 'fp32', { url })]));
    for (const source of [new TextEncoder().encode(text), new Blob(['\n ', text])]) {
      const session = await load(source);
      expect(session.route.variant).toBe('fp32');
      await session.dispose();
    }
  });

  it('refuses one that does not describe its model', async () => {
    const value = manifest([variant('fp32', 'fp32')], {
      inputs: [{ name: 'picture', dtype: 'float32', shape: [4] }],
      knownAnswers: [],
    });
    await expect(load(write('other', value))).rejects.toMatchObject({
      code: 'MANIFEST_INVALID',
      where: { field: 'inputs[0]' },
    });
  });

  it('is refused with its URL and field', async () => {
    const url = write('invalid', { ...manifest([variant('fp32', 'fp32')]), version: '' });
    await expect(load(url)).rejects.toMatchObject({
      name: 'SardonyxError',
      code: 'MANIFEST_INVALID',
      where: { field: 'version', url: url.href },
    });
  });

  it('is missing', async () => {
    const url = pathToFileURL(resolve(folder, 'absent.sardonyx.json'));
    await expect(load(url)).rejects.toMatchObject({
      code: 'NETWORK_FAILED',
      where: { url: url.href },
    });
  });

  it('has no such variant', async () => {
    const url = write('good', manifest([variant('fp32', 'fp32')]));
    await expect(load(url, { force: { variant: 'int4' } })).rejects.toMatchObject({
      code: 'VARIANT_UNKNOWN',
    });
    await expect(load(url, { exclude: [{ device: 'gpu' as 'cpu' }] })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      where: { field: 'exclude[0].device' },
    });
  });
});

describe('availability', () => {
  it('lists what load() would try, and why not the rest', async () => {
    const gpu = variant('gpu', 'fp32', { devices: ['webgpu'], url: 'absent.onnx' });
    const url = write(
      'available',
      manifest([variant('fp32', 'fp32'), variant('int8', 'int8'), variant('half', 'fp16'), gpu]),
    );
    const { ranked, rejected } = await availability(url, { exclude: [{ precision: 'fp16' }] });
    const [first] = ranked;
    expect(new Set(ranked.map(({ variant }) => variant))).toEqual(new Set(['int8', 'fp32']));
    expect(first).toMatchObject({ precision: 'int8', missingBytes: 211, cached: false });
    expect(rejected).toContainEqual({
      route: { variant: 'gpu', device: 'cpu' },
      why: 'the manifest does not offer it for cpu',
    });
    expect(rejected).toContainEqual({
      route: { variant: 'half', device: 'cpu' },
      why: 'excluded',
    });
    const session = await load(url, { exclude: [{ precision: 'fp16' }] });
    expect(session.route.id).toBe(first!.id);
    await session.dispose();
  });

  it('is empty where nothing may run', async () => {
    const url = write('unavailable', manifest([variant('fp32', 'fp32')]));
    const { ranked, rejected } = await availability(url, { exclude: [{ device: 'cpu' }] });
    expect(ranked).toEqual([]);
    expect(rejected.map(({ why }) => why)).toContain('excluded');
  });

  it('knows of a model without a manifest what there is to know', async () => {
    const bytes = await availability(linearModel());
    expect(bytes.ranked[0]).toMatchObject({ device: 'cpu', missingBytes: 0, cached: false });
    const url = pathToFileURL(resolve(folder, 'linear.onnx'));
    const { ranked, rejected } = await availability(url, { force: { device: 'webgpu' } });
    expect(new Set(ranked.map(({ device }) => device))).toEqual(new Set(['cpu']));
    expect(ranked[0]!.missingBytes).toBeUndefined();
    expect(rejected).toMatchObject([{ route: { device: 'webgpu' } }]);
  });

  it.each([
    [() => availability('http://127.0.0.1:9/m.sardonyx.json'), 'NETWORK_FAILED'],
    [() => availability('x.json', { storage: 'some' as 'none' }), 'INVALID_ARGUMENT'],
    [() => availability(new TextEncoder().encode('{}')), 'MANIFEST_INVALID'],
    [() => availability(linearModel(), { force: { variant: 'x' } }), 'VARIANT_UNKNOWN'],
  ])('refuses %s with %s', async (ask, code) => {
    await expect(ask()).rejects.toMatchObject({ name: 'SardonyxError', code });
  });

  it('rejects with the reason of an abort', async () => {
    await expect(availability('x.json', { signal: AbortSignal.abort('no') })).rejects.toBe('no');
  });
});
