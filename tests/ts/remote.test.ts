// A server in place of a local route: the built library against `sardonyx serve`, and against servers that
// do not keep to the protocol.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type * as Sardonyx from '../../web/index.js';
import { sardonyx } from './command_line.js';
import { linearModel, slowModel, unknownOperatorModel } from './models.js';
import { startServer, type ModelServer } from './model_server.js';

const entry = resolve(process.env.SARDONYX_DIST ?? 'dist', 'index.mjs');
const { availability, load, Tensor } = (await import(pathToFileURL(entry).href)) as typeof Sardonyx;

const folder = resolve('build/remote_test/line');
const at = (name: string) => pathToFileURL(resolve(folder, name));
const nothingLocal = { exclude: [{ device: 'cpu' as const }] };
const image = () => new Tensor('float32', Float32Array.of(1, 2, 3, 4), [1, 4]);
let server: ModelServer;

beforeAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(resolve(folder, 'linear.onnx'), linearModel());
  const packed = await sardonyx(folder, 'pack', '.', '--license', 'MIT');
  expect(packed.stderr).toBe('');
  writeFileSync(resolve(folder, 'other.onnx'), linearModel());
  writeFileSync(resolve(folder, 'slow.onnx'), slowModel(40, 512));
  writeFileSync(resolve(folder, 'unknown.onnx'), unknownOperatorModel());
  server = await startServer(folder);
}, 60_000);

afterAll(async () => {
  expect((await server.stop()).status).toBe(0);
}, 60_000);

describe('a remote route', { timeout: 60_000 }, () => {
  it('serves a manifest that no local route can, after the self-test', async () => {
    const source = at('line.sardonyx.json');
    const session = await load(source, { ...nothingLocal, remote: { url: server.url } });
    expect(session.route).toMatchObject({ id: 'remote', device: 'remote', threads: 0 });
    expect(session.route.module).toBeUndefined();
    expect(session.route.why.join('\n')).toMatch(/no variant of line is left[^]*asks http/);
    expect(session.manifest?.name).toBe('line');
    const degraded = new Promise<unknown>((done) =>
      session.addEventListener('degrade', (event) => done((event as CustomEvent).detail)),
    );
    expect(await degraded).toMatchObject({
      from: 'local',
      to: 'remote',
      why: expect.stringContaining('nothing serves here: no variant of line') as string,
      error: { code: 'NO_CANDIDATE' },
    });
    expect(session.inputs).toEqual([
      { name: 'image', kind: 'tensor', type: 'float32', shape: [null, 4], optional: false },
    ]);
    const runs = await Promise.all([
      session.run({ image: image() }),
      session.run({ image: image() }),
    ]);
    for (const { scores } of runs) {
      expect(scores!.shape).toEqual([1, 3]);
      expect([...(scores!.data as Float32Array)]).toEqual([20, 120, 220]);
    }
    expect((await session.explain()).device).toBe('remote');
    await expect(session.profile({ image: image() })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('a server computes') as string,
    });
    const wrong = session.run({ image: new Tensor('float32', new Float32Array(5), [1, 5]) });
    await expect(wrong).rejects.toMatchObject({ code: 'INPUT_SHAPE' });
    await session.dispose();
  });

  it('is the last that availability() lists, where it is allowed', async () => {
    const remote = { url: server.url };
    const source = at('line.sardonyx.json');
    const idsOf = async (source: Sardonyx.Source, options: Sardonyx.LoadOptions) =>
      (await availability(source, options)).ranked.map(({ id }) => id);
    expect((await idsOf(source, { remote })).at(-1)).toBe('remote');
    expect(await idsOf(source, { remote: true })).not.toContain('remote');
    expect(await idsOf(source, {})).not.toContain('remote');
    expect(await idsOf(source, { ...nothingLocal, remote })).toEqual(['remote']);
    expect(await idsOf(at('other.onnx'), { ...nothingLocal, remote })).toEqual(['remote']);
    expect((await idsOf(at('other.onnx'), { remote })).at(-1)).toBe('remote');
    await expect(availability(linearModel(), { ...nothingLocal, remote })).rejects.toMatchObject({
      code: 'NO_CANDIDATE',
    });
    const [, ...rest] = (
      await availability(linearModel(), { remote: { ...remote, model: 'line' } })
    ).ranked.slice(-2);
    expect(rest).toMatchObject([{ device: 'remote', threads: 0, cached: false, missingBytes: 0 }]);
  });

  it('may be the one that the manifest names, where the app says so', async () => {
    const manifest = JSON.parse(
      readFileSync(resolve(folder, 'line.sardonyx.json'), 'utf8'),
    ) as object;
    const naming = (remote: object) => {
      const text = JSON.stringify({ ...manifest, name: 'elsewhere', remote });
      return new TextEncoder().encode(text);
    };
    const here = naming({ url: server.url, model: 'line', version: '1.0.0' });
    const session = await load(here, { ...nothingLocal, remote: true });
    expect(session.route.why.at(-1)).toContain(`${server.url}/v2/models/line/versions/1.0.0`);
    expect((await session.run({ image: image() })).scores!.shape).toEqual([1, 3]);
    await session.dispose();
    await expect(load(here, nothingLocal)).rejects.toMatchObject({ code: 'NO_CANDIDATE' });
    const away = naming({ url: 'http://127.0.0.1:9' });
    const remote = { url: server.url, model: 'line' };
    const own = await load(away, { ...nothingLocal, remote });
    expect(own.route.device).toBe('remote');
    await own.dispose();
    for (const source of [at('line.sardonyx.json'), at('other.onnx')]) {
      await expect(load(source, { ...nothingLocal, remote: true })).rejects.toMatchObject({
        code: 'NO_CANDIDATE',
      });
    }
  });

  it('is asked for the name of an .onnx file, or another one', async () => {
    const remote = { url: `${server.url}/` };
    const byFile = await load(at('other.onnx'), { ...nothingLocal, remote });
    expect((await byFile.run({ image: image() })).scores!.shape).toEqual([1, 3]);
    await byFile.dispose();
    const named = { ...nothingLocal, remote: { ...remote, model: 'line', version: '1.0.0' } };
    const byName = await load(linearModel(), named);
    expect(byName.route.why.at(-1)).toContain('/v2/models/line/versions/1.0.0');
    await byName.dispose();
    await expect(load(linearModel(), { ...nothingLocal, remote })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      where: { field: 'remote.model' },
    });
  });

  it('is not asked unless it is allowed, nor while a local one serves, nor for a wrong model', async () => {
    await expect(load(at('other.onnx'), nothingLocal)).rejects.toMatchObject({
      code: 'NO_CANDIDATE',
    });
    const remote = { url: server.url };
    const local = await load(at('other.onnx'), { remote });
    expect(local.route.device).toBe('cpu');
    await local.dispose();
    await expect(load(at('unknown.onnx'), { remote })).rejects.toMatchObject({
      code: 'OPERATOR_UNSUPPORTED',
    });
    await expect(load(at('absent.onnx'), { remote })).rejects.toMatchObject({
      code: 'NETWORK_FAILED',
    });
  });

  it('ends a run that is cancelled or takes too long, and goes on', async () => {
    const remote = { url: server.url, timeoutMs: 30_000 };
    const session = await load(at('slow.onnx'), { ...nothingLocal, remote });
    const x = new Tensor('float32', new Float32Array(512 * 512), [512, 512]);
    const stop = new AbortController();
    const running = session.run({ x }, { signal: stop.signal });
    setTimeout(() => stop.abort('enough'), 20);
    await expect(running).rejects.toBe('enough');
    await expect(session.run({ x }, { timeoutMs: 20 })).rejects.toMatchObject({
      code: 'RUN_TIMEOUT',
    });
    expect((await session.run({ x })).y!.shape).toEqual([512, 512]);
    await session.dispose();
  });

  it('tells what both sides failed with', async () => {
    const attemptsOf = async (options: Sardonyx.LoadOptions) => {
      const thrown: unknown = await load(at('other.onnx'), options).catch(
        (error: unknown) => error,
      );
      expect(thrown).toMatchObject({ code: 'ROUTES_EXHAUSTED' });
      return (thrown as Sardonyx.SardonyxError).attempts;
    };
    const absent = { ...nothingLocal, remote: { url: server.url, model: 'absent' } };
    const attempts = await attemptsOf(absent);
    expect(attempts!.map(({ route, code }) => `${route} ${code}`)).toEqual([
      'local NO_CANDIDATE',
      'remote REMOTE_FAILED',
    ]);
    expect(attempts![1]!.message).toMatch(/answered 404: there is no model absent/);
    const down = { ...nothingLocal, remote: { url: 'http://127.0.0.1:9' } };
    expect((await attemptsOf(down))!.at(-1)).toMatchObject({ code: 'REMOTE_FAILED' });
  });

  it.each<[string, unknown]>([
    ['url', { url: 7 }],
    ['url', { url: 'ftp://example.org' }],
    ['model', { url: 'http://x', model: 1 }],
    ['version', { url: 'http://x', version: 1 }],
    ['timeoutMs', { url: 'http://x', timeoutMs: 0 }],
    ['headers', { url: 'http://x', headers: { 'a b': 'c' } }],
  ])('refuses a wrong remote.%s', async (field, remote) => {
    const options = { remote } as Sardonyx.LoadOptions;
    await expect(load(linearModel(), options)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      where: { field: `remote.${field}` },
    });
  });
});

describe('a server that does not keep to the protocol', { timeout: 60_000 }, () => {
  let bad: Server | undefined;
  const values = (name: string, more = {}) => [{ name, datatype: 'FP32', shape: [-1, 3], ...more }];
  const right = { inputs: values('image', { shape: [-1, 4] }), outputs: values('scores') };

  async function serve(metadata: string, infer: (response: ServerResponse) => void) {
    bad = createServer((request, response) => {
      if (request.method === 'GET') response.end(metadata);
      else infer(response);
    });
    await new Promise<void>((done) => bad!.listen(0, '127.0.0.1', done));
    const { port } = bad.address() as AddressInfo;
    const remote = { url: `http://127.0.0.1:${port}`, model: 'm', timeoutMs: 500 };
    return load(linearModel(), { ...nothingLocal, remote });
  }

  afterEach(() => {
    bad?.closeAllConnections();
    bad?.close();
  });

  it.each([
    ['text', 'hello'],
    ['null', 'null'],
    ['no inputs', JSON.stringify({ ...right, inputs: [] })],
    [
      'of no known datatype',
      JSON.stringify({ ...right, outputs: values('scores', { datatype: 'TEXT' }) }),
    ],
    ['no shape', JSON.stringify({ ...right, outputs: values('scores', { shape: 3 }) })],
  ])('has metadata that are %s', async (_, metadata) => {
    const loading = serve(metadata, () => undefined);
    await expect(loading).rejects.toMatchObject({
      code: 'ROUTES_EXHAUSTED',
      attempts: [{ route: 'local' }, { route: 'remote', code: 'REMOTE_INVALID' }],
    });
  });

  const output = {
    name: 'scores',
    datatype: 'FP32',
    shape: [1, 3],
    parameters: { binary_data_size: 12 },
  };
  const answers: [string, string, object, number, number?][] = [
    ['no outputs', 'REMOTE_INVALID', {}, 0],
    [
      'JSON data',
      'REMOTE_INVALID',
      { outputs: [{ ...output, parameters: {}, data: [1, 2, 3] }] },
      0,
    ],
    ['another output', 'REMOTE_INVALID', { outputs: [{ ...output, name: 'x' }] }, 12],
    ['another type', 'REMOTE_INVALID', { outputs: [{ ...output, datatype: 'INT32' }] }, 12],
    ['a shape that is none', 'REMOTE_INVALID', { outputs: [{ ...output, shape: [-1, 3] }] }, 12],
    ['a shape of another size', 'REMOTE_INVALID', { outputs: [{ ...output, shape: [2, 3] }] }, 12],
    ['too few bytes', 'REMOTE_INVALID', { outputs: [output] }, 8],
    ['a header that is too long', 'REMOTE_INVALID', { outputs: [output] }, 12, 10_000],
    ['a status', 'REMOTE_FAILED', { error: 'no room' }, -1],
    ['nothing', 'REMOTE_TIMEOUT', {}, -2],
  ];
  it.each(answers)('answers with %s: %s', async (_, code, json, bytes, length) => {
    const session = await serve(JSON.stringify(right), (response) => {
      if (bytes === -2) return;
      const head = JSON.stringify(json);
      response.statusCode = bytes === -1 ? 507 : 200;
      response.setHeader('Inference-Header-Content-Length', length ?? head.length);
      response.end(Buffer.concat([Buffer.from(head), Buffer.alloc(Math.max(0, bytes))]));
    });
    await expect(session.run({ image: image() })).rejects.toMatchObject({ code, scope: 'network' });
    expect(session.state).toBe('serving');
    await session.dispose();
  });
});
