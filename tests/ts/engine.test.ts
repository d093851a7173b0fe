// The built library in Node, with the real engine. Needs dist/: npm run build.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type * as Sardonyx from '../../web/index.js';
import { linearModel, slowModel, twoOutputModel, unknownOperatorModel } from './models.js';

const entry = resolve(process.env.SARDONYX_DIST ?? 'dist', 'index.mjs');
if (!existsSync(entry)) throw new Error('missing: dist/. Type: npm run build');
const { load, Tensor, SardonyxError } = (await import(
  pathToFileURL(entry).href
)) as typeof Sardonyx;

const folder = resolve('build/engine_test');
const file = resolve(folder, 'linear.onnx');
const open: Sardonyx.Session[] = [];
const keep = (session: Sardonyx.Session) => {
  open.push(session);
  return session;
};
afterAll(() => Promise.all(open.map((session) => session.dispose())));

beforeAll(() => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, linearModel());
});

const image = () => new Tensor('float32', Float32Array.of(1, 2, 3, 4), [1, 4]);
const EXPECTED = [20, 120, 220];

describe.each(['worker', 'inline'] as const)('%s execution', (execution) => {
  const bytes = linearModel();
  const sources: [string, () => Sardonyx.Source][] = [
    ['a path', () => 'build/engine_test/linear.onnx'],
    ['a URL', () => pathToFileURL(file)],
    ['an ArrayBuffer', () => Uint8Array.from(bytes).buffer],
    ['a part of a buffer', () => Uint8Array.from([9, 9, ...bytes]).subarray(2)],
    ['a Blob', () => new Blob([bytes as Uint8Array<ArrayBuffer>])],
    ['a File', () => new File([bytes as Uint8Array<ArrayBuffer>], 'linear.onnx')],
  ];

  it.each(sources)('loads %s', async (_, source) => {
    const phases = new Set<string>();
    const session = keep(
      await load(source(), { execution, onProgress: ({ phase }) => phases.add(phase) }),
    );
    expect([...phases]).toEqual(['download', 'compile']);
    expect(session.inputs).toEqual([
      { name: 'image', kind: 'tensor', type: 'float32', shape: ['batch', 4], optional: false },
    ]);
    expect(session.outputs.map(({ name }) => name)).toEqual(['scores']);
    const { scores } = await session.run({ image: image() });
    expect([...scores!.data]).toEqual(EXPECTED);
    expect(scores!.data.buffer).toBeInstanceOf(ArrayBuffer);
    await session.dispose();
  });

  it('runs with another batch, and leaves the feeds to the caller', async () => {
    const session = keep(await load(bytes, { execution }));
    for (const batch of [1, 3, 2]) {
      const data = new Float32Array(4 * batch).fill(1);
      const { scores } = await session.run({ image: new Tensor('float32', data, [batch, 4]) });
      expect(scores!.shape).toEqual([batch, 3]);
      expect(data).toHaveLength(4 * batch);
    }
  });

  it('reads feeds when run() is called', async () => {
    const session = keep(await load(bytes, { execution }));
    const feed = image();
    const runs = Array.from({ length: 5 }, () => session.run({ image: feed }));
    (feed.data as Float32Array).fill(0);
    for (const run of runs) expect([...(await run).scores!.data]).toEqual(EXPECTED);
  });

  it('computes the outputs asked for, into given tensors too', async () => {
    const session = keep(await load(twoOutputModel(), { execution }));
    const x = new Tensor('float32', Float32Array.of(-1, 2, -3, 4), [2, 2]);
    expect(Object.keys(await session.run({ x }, { outputs: ['z'] }))).toEqual(['z']);
    const y = new Tensor('float32', new Float32Array(4), [2, 2]);
    const results = await session.run({ x }, { outputs: { y } });
    expect(results.y).toBe(y);
    expect([...y.data]).toEqual([0, 3, -2, 5]);
    const wrong = new Tensor('float32', new Float32Array(4), [4]);
    await expect(session.run({ x }, { outputs: { y: wrong } })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });

  it('reads tensors of allocate() in place', async () => {
    const session = keep(await load(twoOutputModel(), { execution }));
    const [a, b] = [session.allocate('x'), session.allocate('x', [2, 2])];
    expect(a.data.buffer).toBeInstanceOf(SharedArrayBuffer);
    a.data.set([1, 2, 3, 4] as never);
    b.data.set([5, 6, 7, 8] as never);
    expect([...(await session.run({ x: a })).y!.data]).toEqual([2, 3, 4, 5]);
    expect([...(await session.run({ x: b })).y!.data]).toEqual([6, 7, 8, 9]);
    a.data.set([0, 0, 0, 0] as never);
    expect([...(await session.run({ x: a })).y!.data]).toEqual([1, 1, 1, 1]);
    await session.dispose();
    expect(() => a.data).toThrow(expect.objectContaining({ code: 'TENSOR_STALE' }) as Error);
  });

  it('aborts a run, and the next one works', async () => {
    const size = 192;
    const session = keep(await load(slowModel(400, size), { execution, force: { threads: 1 } }));
    const x = new Tensor('float32', new Float32Array(size * size), [size, size]);
    const controller = new AbortController();
    let aborted = 0;
    setTimeout(() => {
      aborted = performance.now();
      controller.abort('enough');
    }, 30);
    const run = session.run({ x }, { signal: controller.signal });
    await expect(run).rejects.toBe('enough');
    expect(performance.now() - aborted).toBeLessThan(100);
    await expect(session.run({ x }, { timeoutMs: 20 })).rejects.toMatchObject({
      code: 'RUN_TIMEOUT',
    });
    expect((await session.run({ x })).y!.shape).toEqual([size, size]);
  });

  it('rejects an aborted load with the reason', async () => {
    const controller = new AbortController();
    const loading = load(bytes, { execution, signal: controller.signal });
    controller.abort('enough');
    await expect(loading).rejects.toBe('enough');
  });

  it.each([
    ['no bytes', new Uint8Array(0), 'MODEL_EMPTY', ''],
    ['half a file', bytes.slice(0, bytes.length >> 1), 'MODEL_', ''],
    ['an unknown operator', unknownOperatorModel(), 'OPERATOR_UNSUPPORTED', 'Frobnicate'],
  ])('refuses %s, and the next load works', async (_, source, code, text) => {
    const error: unknown = await load(source, { execution }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SardonyxError);
    const { code: found, message, scope } = error as Sardonyx.SardonyxError;
    expect([found, message, scope]).toEqual([
      expect.stringContaining(code),
      expect.stringContaining(text),
      'model',
    ]);
    const session = keep(await load(bytes, { execution }));
    expect([...(await session.run({ image: image() })).scores!.data]).toEqual(EXPECTED);
  });

  it('explains the plan', async () => {
    const session = keep(await load(bytes, { execution, force: { threads: 1 } }));
    await session.warmup();
    const plan = await session.explain();
    expect(plan.model.operators).toEqual({ MatMul: 1 });
    expect(plan.steps.map(({ operator }) => operator)).toEqual(['MatMul']);
    expect(plan).toMatchObject({ module: 'simd', threads: 1, isolated: true });
    expect(plan.memoryBytes).toBeGreaterThan(0);
  });

  it('profiles the steps of runs, and runs go on', async () => {
    const session = keep(await load(bytes, { execution, force: { threads: 1 } }));
    const profile = await session.profile({ image: image() }, { runs: 3 });
    const rows = image().shape[0]!;
    expect(profile).toMatchObject({ runs: 3, route: { threads: 1, module: 'simd' } });
    expect(profile.steps).toMatchObject([
      {
        operator: 'MatMul',
        kernel: expect.stringContaining('gemm') as string,
        depth: 0,
        calls: 1,
        flops: 2 * rows * 4 * 3,
        bytes: 4 * (rows * 4 + 4 * 3 + rows * 3),
        outputs: [{ type: 'float32', layout: 'row-major', shape: [rows, 3] }],
      },
    ]);
    const { ms, overheadMs, steps } = profile;
    expect(steps[0]!.ms).toBeGreaterThanOrEqual(0);
    expect(overheadMs + steps[0]!.ms).toBeCloseTo(ms, 6);
    expect(profile.flops).toBe(steps[0]!.flops);
    // On zeros, with 1 for the open dim.
    expect((await session.profile()).steps[0]!.outputs[0]!.shape).toEqual([1, 3]);
    expect([...(await session.run({ image: image() })).scores!.data]).toEqual(EXPECTED);
  });

  it('refuses and abandons profiles as it does runs', async () => {
    const session = keep(await load(bytes, { execution, force: { threads: 1 } }));
    await expect(session.profile({ image: image() }, { runs: 0 })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      where: { field: 'runs' },
    });
    await expect(session.profile({})).rejects.toMatchObject({ code: 'INPUT_MISSING' });
    const stop = new AbortController();
    const options = { runs: 1e9, signal: stop.signal };
    const endless = session.profile({ image: image() }, options);
    const run = session.run({ image: image() });
    setTimeout(() => stop.abort('enough'), 20);
    await expect(endless).rejects.toBe('enough');
    expect([...(await run).scores!.data]).toEqual(EXPECTED);
  });

  it('widens to the threads that were asked for', async () => {
    const session = keep(await load(bytes, { execution, force: { threads: 3 } }));
    expect([...(await session.run({ image: image() })).scores!.data]).toEqual(EXPECTED);
    await expect.poll(() => session.route.threads, { timeout: 5000 }).toBe(3);
    expect([...(await session.run({ image: image() })).scores!.data]).toEqual(EXPECTED);
  });
});

describe('downloads', () => {
  const server = createServer((request, response) => {
    if (request.url === '/linear.onnx') response.end(linearModel());
    else if (request.url === '/page') {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>');
    } else if (request.url === '/hidden-page') response.end('\n<!DOCTYPE html><html>');
    else response.writeHead(404).end();
  });
  let base = '';
  beforeAll(async () => {
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => void server.close());

  it('loads over HTTP', async () => {
    const session = keep(await load(`${base}/linear.onnx`));
    expect([...(await session.run({ image: image() })).scores!.data]).toEqual(EXPECTED);
  });

  it.each([
    ['/missing.onnx', 'HTTP_STATUS', '404'],
    ['/page', 'NOT_A_MODEL', 'web page'],
    ['/hidden-page', 'NOT_A_MODEL', 'web page'],
  ])('%s gives %s', async (path, code, text) => {
    await expect(load(base + path)).rejects.toMatchObject({
      code,
      scope: 'network',
      where: { url: base + path },
      message: expect.stringContaining(text) as string,
    });
  });

  it('gives NETWORK_FAILED when there is no server', async () => {
    await expect(load('http://127.0.0.1:9/m.onnx')).rejects.toMatchObject({
      code: 'NETWORK_FAILED',
    });
  });
});

describe('wrong use', () => {
  it.each<[string, unknown, Sardonyx.LoadOptions]>([
    ['source', 5, {}],
    ['execution', linearModel(), { execution: 'gpu' as 'inline' }],
    ['queueLimit', linearModel(), { queueLimit: -1 }],
    ['force.threads', linearModel(), { force: { threads: 0 } }],
  ])('a bad %s gives INVALID_ARGUMENT', async (field, source, options) => {
    await expect(load(source as Uint8Array, options)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      where: { field },
    });
  });

  it('assets that are not there give ENGINE_START with the URL', async () => {
    const base = pathToFileURL(`${folder}/`);
    await expect(load(linearModel(), { assets: { base } })).rejects.toMatchObject({
      code: 'ENGINE_START',
      where: { url: expect.stringContaining('engine_test') as string },
    });
  });

  it('a full queue gives QUEUE_FULL, latest-wins RUN_SUPERSEDED', async () => {
    const session = keep(await load(linearModel(), { queueLimit: 1 }));
    const feeds = { image: image() };
    const runs = [session.run(feeds), session.run(feeds, { latest: true })];
    await expect(session.run(feeds)).rejects.toMatchObject({ code: 'QUEUE_FULL' });
    runs.push(session.run(feeds, { latest: true }));
    await expect(runs[1]).rejects.toMatchObject({ code: 'RUN_SUPERSEDED' });
    await expect(runs[0]).resolves.toBeDefined();
    await expect(runs[2]).resolves.toBeDefined();
  });

  it('a disposed session gives SESSION_DISPOSED', async () => {
    const session = await load(linearModel());
    const running = session.run({ image: image() });
    const rejected = expect(running).rejects.toMatchObject({ code: 'SESSION_DISPOSED' });
    await session.dispose();
    await rejected;
    await session.dispose();
    await expect(session.run({ image: image() })).rejects.toMatchObject({
      code: 'SESSION_DISPOSED',
    });
    await expect(session.explain()).rejects.toMatchObject({ code: 'SESSION_DISPOSED' });
    expect(() => session.allocate('image', [1, 4])).toThrow(SardonyxError);
  });
});
