// sardonyx serve: the Open Inference Protocol v2 over real connections.
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sardonyx } from './command_line.js';
import { startServer, type ModelServer } from './model_server.js';
import {
  linearModel,
  slowModel,
  twoOutputModel,
  typesModel,
  unknownOperatorModel,
} from './models.js';

const folder = resolve('build/cli_serve_test');
let server: ModelServer;

interface Output {
  readonly name: string;
  readonly datatype: string;
  readonly shape: number[];
  readonly data?: unknown[];
  readonly parameters?: { readonly binary_data_size: number };
}
interface Inferred {
  readonly model_name: string;
  readonly model_version: string;
  readonly id?: string;
  readonly outputs: Output[];
}

beforeAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(resolve(folder, 'linear.onnx'), linearModel());
  writeFileSync(resolve(folder, 'two.onnx'), twoOutputModel());
  writeFileSync(resolve(folder, 'types.onnx'), typesModel());
  writeFileSync(resolve(folder, 'slow.onnx'), slowModel(40, 512));
  writeFileSync(resolve(folder, 'broken.onnx'), unknownOperatorModel());
  cpSync('models/glyphs', resolve(folder, 'glyphs'), { recursive: true });
  server = await startServer(folder, '--cors', 'https://app.example', '--max-body', '2');
}, 60_000);

afterAll(async () => {
  const { status, stdout } = await server.stop();
  expect(status).toBe(0);
  expect(stdout).toMatch(/^stopped after \d+ answers\n$/);
}, 60_000);

const ask = (path: string, init?: RequestInit) => fetch(`${server.url}${path}`, init);
const answer = async (path: string) => {
  const response = await ask(path);
  return { status: response.status, body: (await response.json()) as unknown };
};
const post = (model: string, body: unknown, headers: Record<string, string> = {}) =>
  ask(`/v2/models/${model}/infer`, {
    method: 'POST',
    headers,
    body: typeof body === 'string' || body instanceof Blob ? body : JSON.stringify(body),
  });

async function infer(model: string, body: unknown): Promise<Inferred> {
  const response = await post(model, body);
  const result = (await response.json()) as Inferred;
  expect(response.status, JSON.stringify(result)).toBe(200);
  return result;
}

const image = (change = {}) => ({
  name: 'image',
  shape: [1, 4],
  datatype: 'FP32',
  data: [1, 2, 3, 4],
  ...change,
});

/** JSON, then the bytes. */
function binaryBody(json: object, ...parts: ArrayBufferView<ArrayBuffer>[]) {
  const head = JSON.stringify(json);
  return {
    body: new Blob([head, ...parts]),
    headers: { 'Inference-Header-Content-Length': String(Buffer.byteLength(head)) },
  };
}

describe('sardonyx serve tells', { timeout: 60_000 }, () => {
  it('of itself and its health', async () => {
    expect(await answer('/v2')).toMatchObject({
      status: 200,
      body: { name: 'sardonyx', extensions: ['binary_tensor_data'] },
    });
    expect(await answer('/v2/health/live')).toEqual({ status: 200, body: { live: true } });
    expect(await answer('/v2/health/ready')).toEqual({ status: 200, body: { ready: true } });
  });

  it('of models with and without a manifest', async () => {
    expect(await answer('/v2/models/linear')).toEqual({
      status: 200,
      body: {
        name: 'linear',
        versions: ['1'],
        platform: 'onnx_sardonyx',
        inputs: [{ name: 'image', datatype: 'FP32', shape: [-1, 4] }],
        outputs: [{ name: 'scores', datatype: 'FP32', shape: [-1, 3] }],
      },
    });
    expect(await answer('/v2/models/glyphs/versions/1.0.0')).toMatchObject({
      status: 200,
      body: { versions: ['1.0.0'], outputs: [{ name: 'probabilities', shape: [-1, 36] }] },
    });
    expect((await answer('/v2/models/linear/ready')).status).toBe(200);
    // The variants of a manifest are no models of their own.
    expect((await answer('/v2/models/glyphs_fp32')).status).toBe(404);
  });

  it('what is not there', async () => {
    for (const path of [
      '/',
      '/v1/models/linear',
      '/v2/nothing',
      '/v2/models/none',
      '/v2/models/linear/versions/9',
      '/v2/models/linear/x',
      '/v2/models/__proto__',
    ]) {
      expect(await answer(path)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    }
    expect((await answer('/v2/models/%E0%A4%A')).status).toBe(400);
    expect(await answer('/v2/models/linear/infer')).toMatchObject({ status: 405 });
    expect((await ask('/v2', { method: 'DELETE' })).status).toBe(405);
  });

  it('why a model can not be loaded, each time', async () => {
    for (const path of ['ready', 'ready', '']) {
      expect(await answer(`/v2/models/broken/${path}`)).toMatchObject({
        status: 503,
        body: { code: 'OPERATOR_UNSUPPORTED' },
      });
    }
  });

  it('pages of one origin that they may ask', async () => {
    const response = await ask('/v2/models/linear/infer', { method: 'OPTIONS' });
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example');
    expect(response.headers.get('access-control-allow-headers')).toContain('Inference-Header');
  });
});

describe('sardonyx serve infers', { timeout: 60_000 }, () => {
  it('from JSON, flat or nested, to JSON', async () => {
    const flat = await infer('linear', { id: 'a', inputs: [image()] });
    expect(flat).toEqual({
      model_name: 'linear',
      model_version: '1',
      id: 'a',
      outputs: [{ name: 'scores', datatype: 'FP32', shape: [1, 3], data: [20, 120, 220] }],
    });
    const data = [
      [1, 2, 3, 4],
      [0, 0, 0, 1],
    ];
    const nested = await infer('linear/versions/1', { inputs: [image({ shape: [2, 4], data })] });
    expect(nested.outputs[0]!.data).toEqual([20, 120, 220, 3, 13, 23]);
  });

  it('from binary data to binary data', async () => {
    const json = {
      parameters: { binary_data_output: true },
      inputs: [
        { name: 'image', shape: [1, 4], datatype: 'FP32', parameters: { binary_data_size: 16 } },
      ],
    };
    const { body, headers } = binaryBody(json, Float32Array.of(1, 2, 3, 4));
    const response = await post('linear', body, headers);
    expect(response.status).toBe(200);
    const bytes = Buffer.from(await response.arrayBuffer());
    const split = Number(response.headers.get('inference-header-content-length'));
    const { outputs } = JSON.parse(bytes.subarray(0, split).toString()) as Inferred;
    expect(outputs).toEqual([
      { name: 'scores', datatype: 'FP32', shape: [1, 3], parameters: { binary_data_size: 12 } },
    ]);
    expect([0, 4, 8].map((at) => bytes.readFloatLE(split + at))).toEqual([20, 120, 220]);
  });

  it('the outputs asked for, each in the form asked for', async () => {
    const x = { name: 'x', shape: [2, 2], datatype: 'FP32', data: [-1, 0, 1, 2] };
    const outputs = [{ name: 'z' }, { name: 'y', parameters: { binary_data: true } }];
    const response = await post('two', { inputs: [x], outputs });
    const bytes = Buffer.from(await response.arrayBuffer());
    const split = Number(response.headers.get('inference-header-content-length'));
    const result = JSON.parse(bytes.subarray(0, split).toString()) as Inferred;
    expect(result.outputs).toMatchObject([
      { name: 'z', data: [0, 0, 1, 2] },
      { name: 'y', parameters: { binary_data_size: 16 } },
    ]);
    expect(bytes.readFloatLE(split)).toBe(0);
    expect(bytes.length).toBe(split + 16);
  });

  it('elements of every type that JSON has numbers for', async () => {
    const inputs = [
      { name: 'i64', shape: [2], datatype: 'INT64', data: [-(2 ** 53 - 1), 7] },
      { name: 'u8', shape: [2], datatype: 'UINT8', data: [0, 255] },
      { name: 'b', shape: [2], datatype: 'BOOL', data: [true, 0] },
      { name: 'f64', shape: [2], datatype: 'FP64', data: [0.1, 1e300] },
    ];
    const { outputs } = await infer('types', { inputs });
    expect(outputs.map(({ data }) => data)).toEqual([
      [-(2 ** 53 - 1), 7],
      [0, 255],
      [true, false],
      [0.1, 1e300],
    ]);
  });

  it('the best variant of a manifest, in many requests at once', async () => {
    const data = Array.from({ length: 1024 }, () => 0);
    const body = { inputs: [{ name: 'glyph', shape: [1, 1, 32, 32], datatype: 'FP32', data }] };
    const results = await Promise.all(Array.from({ length: 20 }, () => infer('glyphs', body)));
    for (const { outputs } of results) expect(outputs).toEqual(results[0]!.outputs);
    expect(results[0]!.outputs[0]!.data).toHaveLength(36);
  });
});

describe('sardonyx serve refuses', { timeout: 60_000 }, () => {
  const deep = `${'['.repeat(5000)}${']'.repeat(5000)}`;
  it.each<[string, unknown, Record<string, string>?]>([
    ['no JSON', '{"inputs":'],
    ['nothing', ''],
    ['an array', []],
    ['null', 'null'],
    ['no inputs', {}],
    ['inputs that are no array', { inputs: {} }],
    ['an input that is no object', { inputs: [null] }],
    ['an input without a name', { inputs: [{ ...image(), name: undefined }] }],
    ['an input twice', { inputs: [image(), image()] }],
    ['an input that is missing', { inputs: [] }],
    ['an input that is unknown', { inputs: [image(), image({ name: 'other' })] }],
    ['another datatype', { inputs: [image({ datatype: 'INT32' })] }],
    ['a datatype that is none', { inputs: [image({ datatype: 'FP31' })] }],
    ['text', { inputs: [image({ datatype: 'BYTES', data: ['a'] })] }],
    ['FP16 as JSON', { inputs: [image({ datatype: 'FP16' })] }],
    ['no data', { inputs: [image({ data: undefined })] }],
    ['data of another size', { inputs: [image({ data: [1, 2, 3] })] }],
    ['data that are no numbers', { inputs: [image({ data: [1, 2, 3, 'x'] })] }],
    ['data that are null', { inputs: [image({ data: [1, 2, 3, null] })] }],
    [
      'data nested too deep',
      `{"inputs":[{"name":"image","shape":[1,4],"datatype":"FP32","data":${deep}}]}`,
    ],
    [
      'a number that the type has not',
      { inputs: [image({ datatype: 'UINT8', data: [1, 2, 3, 256] })] },
    ],
    ['a fraction as an integer', { inputs: [image({ datatype: 'INT8', data: [1, 2, 3, 0.5] })] }],
    ['no shape', { inputs: [image({ shape: undefined })] }],
    ['a shape that is none', { inputs: [image({ shape: [1, -4] })] }],
    ['a shape of another rank', { inputs: [image({ shape: [4] })] }],
    ['a shape beyond all numbers', { inputs: [image({ shape: [1e15, 1e15] })] }],
    ['an id that is no text', { id: 7, inputs: [image()] }],
    ['parameters that are none', { parameters: 1, inputs: [image()] }],
    ['outputs that are none', { inputs: [image()], outputs: 'scores' }],
    ['an output that is unknown', { inputs: [image()], outputs: [{ name: 'toString' }] }],
    ['a size that is none', { inputs: [image({ parameters: { binary_data_size: -1 } })] }],
    [
      'a size beyond the body',
      { inputs: [{ ...image({ data: undefined }), parameters: { binary_data_size: 16 } }] },
    ],
    [
      'a length beyond the body',
      { inputs: [image()] },
      { 'Inference-Header-Content-Length': '9999' },
    ],
    ['a length that is none', { inputs: [image()] }, { 'Inference-Header-Content-Length': 'x' }],
    [
      'bytes of nobody',
      `${JSON.stringify({ inputs: [image()] })}1234`,
      { 'Inference-Header-Content-Length': String(JSON.stringify({ inputs: [image()] }).length) },
    ],
  ])('%s', async (_, body, headers = {}) => {
    const response = await post('linear', body, headers);
    const { error, code } = (await response.json()) as { error: string; code: string };
    expect({ status: response.status, code }).toMatchObject({ status: 400 });
    expect(code).toMatch(/^(BAD_REQUEST|INPUT_\w+|OUTPUT_UNKNOWN)$/);
    expect(error).not.toBe('');
  });

  it('bytes that are no whole elements', async () => {
    const input = image({ data: undefined, parameters: { binary_data_size: 15 } });
    const { body, headers } = binaryBody({ inputs: [input] }, new Uint8Array(15));
    const response = await post('linear', body, headers);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'INPUT_SIZE' });
  });

  it('a body that is too large or compressed', async () => {
    const large = await post('linear', ' '.repeat(2 ** 21 + 1)).catch(() => undefined);
    // The connection may be cut before all was sent.
    if (large) expect(large.status).toBe(413);
    expect(await streamed(2 ** 21 + 1)).toBe(413);
    const zipped = await post('linear', '{}', { 'Content-Encoding': 'gzip' });
    expect(zipped.status).toBe(415);
    expect(await zipped.json()).toMatchObject({ code: 'ENCODING' });
  });

  it('what is no HTTP, and goes on', async () => {
    const { port } = new URL(server.url);
    for (const text of [
      'nonsense\r\n\r\n',
      'POST /v2/models/linear/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{',
    ]) {
      await new Promise<void>((done) => {
        const socket = connect(Number(port), '127.0.0.1', () => socket.end(text));
        socket
          .on('data', () => undefined)
          .on('close', () => done())
          .on('error', () => done());
        setTimeout(() => socket.destroy(), 500);
      });
    }
    expect((await answer('/v2/health/live')).status).toBe(200);
  });
});

/** In chunks, without Content-Length. */
function streamed(bytes: number): Promise<number | undefined> {
  return new Promise((done, fail) => {
    const sent = httpRequest(
      `${server.url}/v2/models/linear/infer`,
      { method: 'POST' },
      (response) => {
        response.resume();
        done(response.statusCode);
      },
    );
    sent.on('error', fail);
    sent.write(Buffer.alloc(bytes));
  });
}

describe('sardonyx serve', { timeout: 60_000 }, () => {
  it('counts', async () => {
    await infer('linear', { inputs: [image()] });
    const response = await ask('/metrics');
    expect(response.headers.get('content-type')).toContain('text/plain');
    const text = await response.text();
    expect(text).toMatch(/^sardonyx_http_responses_total\{status="200"\} \d+$/m);
    expect(text).toMatch(
      /^sardonyx_inference_seconds_bucket\{model="linear",version="1",le="\+Inf"\} [1-9]\d*$/m,
    );
    expect(text).toMatch(
      /^sardonyx_inference_seconds_count\{model="linear",version="1"\} [1-9]\d*$/m,
    );
    expect(text).toMatch(
      /^sardonyx_inference_failures_total\{model="linear",version="1",code="INPUT_SIZE"\} [1-9]/m,
    );
    expect(text).toMatch(/^sardonyx_models_loaded [2-9]$/m);
  });

  it('ends what is under way before it stops, and takes no more', async () => {
    const own = await startServer(folder);
    // Without --cors, pages of other origins may not ask.
    const preflight = await fetch(own.url, { method: 'OPTIONS' });
    expect(preflight.status).toBe(405);
    expect(preflight.headers.has('access-control-allow-origin')).toBe(false);
    const side = 512;
    const x = {
      name: 'x',
      shape: [side, side],
      datatype: 'FP32',
      parameters: { binary_data_size: 4 * side * side },
    };
    const { body, headers } = binaryBody(
      { inputs: [x], outputs: [{ name: 'y', parameters: { binary_data: true } }] },
      new Float32Array(side * side),
    );
    const url = `${own.url}/v2/models/slow`;
    await fetch(`${url}/ready`);
    const running = fetch(`${url}/infer`, { method: 'POST', headers, body });
    const metrics = async () => (await fetch(`${own.url}/metrics`)).text();
    while (!(await metrics()).includes('sardonyx_inferences_running 1\n'));
    const stopped = own.stop();
    const response = await running;
    expect(response.status).toBe(200);
    expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(4 * side * side);
    expect((await stopped).status).toBe(0);
    await expect(fetch(own.url)).rejects.toThrow();
  });

  it.each([
    [[], '--models is missing'],
    [['--models', folder, '--port', '99999'], '--port'],
    [['--models', folder, '--cors', 'app.example/x'], '--cors'],
    [['--models', folder, 'file'], 'serve takes no file'],
  ])('refuses %j', async (args, message) => {
    const { status, stderr } = await sardonyx('.', 'serve', ...args);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
  });

  it('refuses folders without models, with a wrong manifest, and a port that is taken', async () => {
    const other = resolve('build/cli_serve_bad');
    rmSync(other, { recursive: true, force: true });
    const serve = (...args: string[]) => sardonyx('.', 'serve', '--models', other, ...args);
    expect((await serve()).stderr).toMatch(/^INVALID_ARGUMENT: can not read the folder/);
    mkdirSync(other, { recursive: true });
    expect((await serve()).stderr).toMatch(/^INVALID_ARGUMENT: there is no model/);
    writeFileSync(resolve(other, 'x.sardonyx.json'), '{}');
    expect((await serve()).stderr).toMatch(/^MANIFEST_INVALID/);
    const taken = await sardonyx(
      '.',
      'serve',
      '--models',
      folder,
      '--port',
      new URL(server.url).port,
    );
    expect(taken.stderr).toMatch(/^INVALID_ARGUMENT: can not listen/);
  });
});
