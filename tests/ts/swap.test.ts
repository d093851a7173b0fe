// session.swap() in Node, in a worker and inline. Needs dist/: npm run build.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Manifest, Variant } from '../../manifest/parse.js';
import { rankCandidates } from '../../router/candidates.js';
import { choosePlain, type RouteFilter } from '../../router/choose.js';
import { idOf, type Target } from '../../router/target.js';
import { type Swap, swapTarget } from '../../web/swap.js';
import type * as Sardonyx from '../../web/index.js';
import { linearModel, linearVariant, twoOutputModel } from './models.js';
import { sampleManifest } from './sample_manifest.js';

const features = { simd: true, engine: true, relaxedSimd: true, isolated: true, cores: 4 };

describe('swapTarget', () => {
  const manifest = sampleManifest();
  const gpu = { available: true, adapter: 'gpu', software: false, maxBytes: 2 ** 30 } as const;
  const rank = (force: RouteFilter) =>
    rankCandidates(manifest, { features, gpu }, { force }).ranked;
  const on = (force: RouteFilter): Target => rank(force)[0]!;
  const gpuNow = on({});
  const cpuNow = on({ device: 'cpu', variant: 'fp32' });

  it.each([
    [{ variant: 'int8' }, gpuNow, 'int8-cpu-relaxed'],
    [{ precision: 'fp32' }, gpuNow, 'fp32-webgpu-relaxed'],
    [{ device: 'cpu' }, gpuNow, 'int8-cpu-relaxed'],
    [{ device: 'webgpu' }, cpuNow, 'fp16-webgpu-relaxed'],
    [{ module: 'simd' }, cpuNow, 'fp32-cpu-simd'],
    [{ module: 'simd' }, gpuNow, 'fp16-webgpu-simd'],
    [{ threads: 2 }, cpuNow, 'fp32-cpu-relaxed'],
    [{}, cpuNow, 'fp32-cpu-relaxed'],
    [{ wasm: 'https://example.org/x.wasm' }, cpuNow, 'fp32-cpu-relaxed-own'],
    [{ version: '1.0.0' }, cpuNow, 'fp16-webgpu-relaxed'],
    [{ version: '1.0.0', device: 'cpu' }, gpuNow, 'int8-cpu-relaxed'],
    [{ version: '1.0.0', variant: 'int8' }, gpuNow, 'int8-cpu-relaxed'],
  ] satisfies [Swap, Target, string][])('%o', async (to, current, id) => {
    expect(idOf(await swapTarget(to, current, rank))).toBe(id);
  });

  it('keeps threads that were asked for', async () => {
    const two = await swapTarget({ threads: 2 }, cpuNow, rank);
    expect(two).toMatchObject({ threads: 2, forcedThreads: true });
    expect(await swapTarget({ variant: 'int8' }, two, rank)).toMatchObject({ threads: 2 });
    expect(await swapTarget({ threads: 3 }, two, rank)).toMatchObject({ threads: 3 });
    expect((await swapTarget({}, cpuNow, rank)).forcedThreads).toBeUndefined();
  });

  it.each([
    [{ variant: 'int3' }, 'VARIANT_UNKNOWN'],
    [{ device: 'webgpu', variant: 'int8' }, 'NO_CANDIDATE'],
    [{ device: 'tpu' }, 'INVALID_ARGUMENT'],
    [{ wasm: 7 }, 'INVALID_ARGUMENT'],
    [{ version: 2 }, 'INVALID_ARGUMENT'],
    [null, 'INVALID_ARGUMENT'],
  ] as const)('%o is %s', async (to, code) => {
    await expect(swapTarget(to as Swap, cpuNow, rank)).rejects.toMatchObject({ code });
  });

  it('has devices, modules and threads for a plain .onnx', async () => {
    const plain = (force: RouteFilter) => choosePlain(features, { force });
    const to = (swap: Swap) => swapTarget(swap, plain({})[0]!, plain);
    expect(idOf(await to({ module: 'simd' }))).toBe('cpu-simd');
    expect(idOf(await to({ device: 'webgpu' }))).toBe('webgpu-relaxed');
    await expect(to({ variant: 'int8' })).rejects.toMatchObject({ code: 'VARIANT_UNKNOWN' });
  });
});

const entry = resolve(process.env.SARDONYX_DIST ?? 'dist', 'index.mjs');
if (!existsSync(entry)) throw new Error('missing: dist/. Type: npm run build');
const { availability, load, Tensor } = (await import(pathToFileURL(entry).href)) as typeof Sardonyx;

describe.each(['worker', 'inline'] as const)('session.swap(), %s', (execution) => {
  const folder = resolve('build/swap_test');
  const variant = (name: string, file: Uint8Array): Variant => {
    writeFileSync(resolve(folder, `${name}.onnx`), file);
    const sha256 = createHash('sha256').update(file).digest('hex');
    const [bytes, url] = [file.length, `${name}.onnx`];
    return { name, precision: 'fp32', url, bytes, sha256, devices: ['cpu'], opset: 17 };
  };
  let source: URL;
  // With a candidate version, which no client runs by itself.
  let staged: URL;
  let stagedWrong: URL;
  // With a known answer, which a variant does not give.
  let answered: URL;
  beforeAll(() => {
    mkdirSync(folder, { recursive: true });
    const other = variant('other', twoOutputModel());
    const manifest: Manifest = {
      format: 1,
      name: 'linear',
      version: '1',
      license: 'MIT',
      inputs: [],
      outputs: [],
      variants: [variant('one', linearModel()), variant('two', linearModel()), other],
    };
    manifest.inputs.push({ name: 'image', dtype: 'float32', shape: ['batch', 4] });
    manifest.outputs.push({ name: 'scores', dtype: 'float32', shape: ['batch', 3] });
    const file = resolve(folder, 'm.sardonyx.json');
    writeFileSync(file, JSON.stringify(manifest));
    source = pathToFileURL(file);
    const rollout = (url: string): URL => {
      const staged = { ...manifest, rollout: { url, version: '2', percent: 0 } };
      const path = resolve(folder, `staged-${url}`);
      writeFileSync(path, JSON.stringify(staged));
      return pathToFileURL(path);
    };
    const second = { ...manifest, version: '2' };
    writeFileSync(resolve(folder, 'second.json'), JSON.stringify(second));
    const [, two] = second.variants;
    const wrong = { ...second, variants: [{ ...two!, sha256: '0'.repeat(64) }] };
    writeFileSync(resolve(folder, 'wrong.json'), JSON.stringify(wrong));
    const encoded = (shape: number[], values: number[]) => ({
      dtype: 'float32' as const,
      shape,
      base64: Buffer.from(Float32Array.from(values).buffer).toString('base64'),
    });
    const known = {
      title: 'one row',
      inputs: { image: encoded([1, 4], [1, 2, 3, 4]) },
      outputs: { scores: encoded([1, 3], [20, 120, 220]) },
      tolerance: 1e-3,
    };
    const [one] = manifest.variants;
    // Remembered by its hash, so each has its own.
    const weights = execution === 'worker' ? 'int8' : 'fp16';
    const otherModel = variant(`wrong ${execution}`, linearVariant(weights));
    const path = resolve(folder, 'answered.json');
    const variants = [one!, { ...otherModel, name: 'wrong' }];
    writeFileSync(path, JSON.stringify({ ...manifest, variants, knownAnswers: [known] }));
    answered = pathToFileURL(path);
    [staged, stagedWrong] = [rollout('second.json'), rollout('wrong.json')];
  });

  const image = () => new Tensor('float32', Float32Array.of(1, 2, 3, 4), [1, 4]);
  const scores = [20, 120, 220];
  const run = async (session: Sardonyx.Session) =>
    Array.from((await session.run({ image: image() })).scores!.data as Float32Array);

  it('moves to another variant while runs are under way', async () => {
    const session = await load(source, { execution });
    const lent = session.allocate('image', [1, 4]);
    const runs = Array.from({ length: 20 }, () => run(session));
    const moved = new Promise<unknown>((done) =>
      session.addEventListener('swap', (event) => done((event as CustomEvent).detail)),
    );
    const route = await session.swap({ variant: 'two' });
    expect(route.variant).toBe('two');
    expect(session.route).toEqual(route);
    expect(await moved).toMatchObject({ from: expect.stringMatching(/^one/) as string });
    for (const result of await Promise.all(runs)) expect(result).toEqual(scores);
    expect(await run(session)).toEqual(scores);
    expect((await session.explain()).variant).toBe('two');
    // An ordinary tensor where there was no memory at hand.
    const stale = expect.objectContaining({ code: 'TENSOR_STALE' }) as Error;
    if (execution === 'inline') expect(() => lent.data).toThrow(stale);
    await session.dispose();
    expect(session.state).toBe('disposed');
    await expect(session.swap({})).rejects.toMatchObject({ code: 'SESSION_DISPOSED' });
  });

  it('remembers for later loads that a variant answered wrongly', async () => {
    const session = await load(answered, { execution });
    const onCpu = async () =>
      (await availability(answered)).rejected.filter(({ route }) => route.device === 'cpu');
    expect(await onCpu()).toEqual([]);
    const swap = session.swap({ variant: 'wrong' });
    await expect(swap).rejects.toMatchObject({ code: 'SELFTEST_FAILED' });
    expect(await run(session)).toEqual(scores);
    await session.dispose();
    const { ranked } = await availability(answered);
    expect(ranked.map(({ variant }) => variant).at(-1)).toBe('wrong');
    expect(await onCpu()).toEqual([
      {
        route: { variant: 'wrong', device: 'cpu' },
        why: expect.stringContaining('one row') as string,
      },
    ]);
  });

  it('does not move to a variant with other inputs', async () => {
    const session = await load(source, { execution });
    const failure = await session.swap({ variant: 'other' }).catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ name: 'SardonyxError', code: 'MANIFEST_INVALID' });
    expect((failure as Error).message).toContain('x (float32)');
    expect(await run(session)).toEqual(scores);
    expect(session).toMatchObject({ state: 'serving', route: { variant: 'one' } });
    await session.dispose();
  });

  it('moves to the candidate version and back', async () => {
    const session = await load(staged, { execution });
    expect(session.route.version).toBe('1');
    const runs = Array.from({ length: 5 }, () => run(session));
    const route = await session.swap({ version: '2', variant: 'two' });
    expect(route).toMatchObject({ version: '2', variant: 'two' });
    expect(route.id).toMatch(/@2$/);
    expect(session.manifest?.version).toBe('2');
    for (const result of await Promise.all(runs)) expect(result).toEqual(scores);
    expect(await session.swap({})).toMatchObject({ version: '2', variant: 'two' });
    expect(await session.swap({ version: '1' })).toMatchObject({ version: '1' });
    expect(await run(session)).toEqual(scores);
    await session.dispose();
  });

  it('stays where the version does not start or is none of the manifest', async () => {
    const session = await load(stagedWrong, { execution });
    const rolledBack: string[] = [];
    session.addEventListener('rollback', (event) => {
      rolledBack.push((event as CustomEvent<{ from: string }>).detail.from);
    });
    await expect(session.swap({ version: '2' })).rejects.toMatchObject({ code: 'FILE_MISMATCH' });
    expect(rolledBack).toEqual([expect.stringMatching(/^two-cpu-.*@2$/)]);
    await expect(session.swap({ version: '3' })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      where: { field: 'swap.version' },
      message: expect.stringMatching(/has 1 and the candidate 2/) as string,
    });
    expect(session.route.version).toBe('1');
    expect(await run(session)).toEqual(scores);
    await session.dispose();
  });

  it('refuses a drain time that is none', async () => {
    const session = await load(source, { execution });
    await expect(session.swap({}, { drainMs: -1 })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      where: { field: 'drainMs' },
    });
    await expect(load(source, { latencyBudgetMs: 0 })).rejects.toMatchObject({
      where: { field: 'latencyBudgetMs' },
    });
    await session.dispose();
  });
});
