// Manifests made for the tests, right and wrong: /manifests/<case>/m.sardonyx.json and its files. All
// describe the model "small".
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Manifest, Rollout, Variant } from '../manifest/parse';
import type { Answer } from '../tools/server.mjs';
import { modelBytes } from './models';

const bytes = modelBytes('small')!;
const describe = (file: Uint8Array): Pick<Variant, 'bytes' | 'sha256'> => ({
  bytes: file.length,
  sha256: createHash('sha256').update(file).digest('hex'),
});
const { sha256 } = describe(bytes);
const base64 = (...values: number[]): string =>
  Buffer.from(Float32Array.from(values).buffer).toString('base64');

const busy = modelBytes('busy')!;
const busyVariant = (precision: 'fp32' | 'int8'): Variant => ({
  ...describe(busy),
  name: precision,
  url: '/models/busy.onnx',
  precision,
  devices: ['cpu'],
  opset: 17,
});

// Runs on a machine with 4 GiB, but not twice.
const large = (precision: 'fp32' | 'int8'): Variant => ({
  ...busyVariant(precision),
  needs: { memoryBytes: 3 * 2 ** 30 },
});

const fp32: Variant = {
  name: 'fp32',
  url: 'fp32.onnx',
  bytes: bytes.length,
  sha256,
  precision: 'fp32',
  devices: ['cpu'],
  opset: 17,
};

const right: Manifest = {
  format: 1,
  name: 'small',
  version: '1.0.0',
  license: 'MIT',
  inputs: [{ name: 'x', dtype: 'float32', shape: [1, 4] }],
  outputs: [{ name: 'y', dtype: 'float32', shape: [1, 4] }],
  variants: [fp32],
  knownAnswers: [
    {
      title: 'of harness.runSmall()',
      inputs: { x: { dtype: 'float32', shape: [1, 4], base64: base64(1, -1, 0.5, 2) } },
      outputs: { y: { dtype: 'float32', shape: [1, 4], base64: base64(1, 0, 1.5, 8) } },
      tolerance: 1e-6,
    },
  ],
};

interface Case {
  readonly manifest?: unknown;
  // In place of the JSON.
  readonly text?: string;
  // In place of the answer with it.
  readonly page?: Answer;
  readonly file?: Answer;
  readonly delayMs?: number;
  // Byte ranges of this are sent, and the connection breaks when breakOff says so.
  readonly ranges?: Uint8Array;
}

const octets = 'application/octet-stream';
const html = '<!doctype html><title>404</title>';
const redirect = (to: string): Answer => ({ status: 302, body: '', headers: { Location: to } });
const variant = (change: Partial<Variant>): Manifest => ({
  ...right,
  variants: [{ ...fp32, ...change }],
});

const wrongAnswer: Manifest = {
  ...right,
  knownAnswers: [
    {
      ...right.knownAnswers![0]!,
      outputs: { y: { dtype: 'float32', shape: [1, 4], base64: base64(1, 0, 1.5, 9) } },
    },
  ],
};
const wrongHash = variant({ sha256: sha256.replace(/^./, (c) => (c === '0' ? '1' : '0')) });

// A candidate, version 2.0.0, beside the right manifest.
const rolloutFrom = (url: string, percent = 100): Case => ({
  manifest: { ...right, rollout: { url, version: '2.0.0', percent } },
});
const rollout = (folder: string, percent?: number): Case =>
  rolloutFrom(`../${encodeURIComponent(folder)}/m.sardonyx.json`, percent);
// No run takes less than a microsecond.
const tooSlow: Rollout = {
  url: '../version%202%20of%20a%20big%20model/m.sardonyx.json',
  version: '2.0.0',
  percent: 100,
  latencyBudgetMs: 0.001,
};
const second = (manifest: Manifest): Case => ({ manifest: { ...manifest, version: '2.0.0' } });
const CHUNK = 1 << 16;
const hash = (file: Uint8Array): string => createHash('sha256').update(file).digest('hex');
const chunked: Variant = {
  ...busyVariant('fp32'),
  url: 'fp32.onnx',
  chunks: {
    bytes: CHUNK,
    sha256: Array.from({ length: Math.ceil(busy.length / CHUNK) }, (_, i) =>
      hash(busy.subarray(i * CHUNK, (i + 1) * CHUNK)),
    ),
  },
};
/** Of the case 'chunked'; an answer that breaks off has sent 8 chunks and a half. */
export const chunkedFile = { bytes: busy.length, sha256: chunked.sha256, chunk: CHUNK };
const SENT_BEFORE_BREAK = 8 * CHUNK + CHUNK / 2;
// Long enough for what was sent to arrive.
const BREAK_MS = 500;

const cases: Readonly<Record<string, Case>> = {
  right: {},
  'rollout to all': rollout('version 2'),
  'rollout to half': rollout('version 2', 50),
  'rollout to nobody': rollout('version 2', 0),
  'rollout of a slow version': { manifest: { ...right, rollout: tooSlow } },
  'version 2 of a big model': second({ ...right, variants: [busyVariant('fp32')] }),
  'rollout of a wrong hash': rollout('version 2 of a wrong hash'),
  'rollout of a wrong answer': rollout('version 2 of a wrong answer'),
  'rollout of nothing': rollout('no such version'),
  'rollout of a stalled manifest': rolloutFrom('/stalled/m.sardonyx.json'),
  'rollout of a stalled file': rollout('version 2 of a stalled file'),
  'rollout of another version': rollout('right'),
  'version 2 of a wrong hash': second(wrongHash),
  'version 2 of a stalled file': second(variant({ url: '/stalled/fp32.onnx' })),
  'version 2 of a wrong answer': second(wrongAnswer),
  slow: { delayMs: 1500 },
  chunked: { manifest: { ...right, variants: [chunked] }, ranges: busy },
  'a wrong chunk': {
    manifest: { ...right, variants: [chunked] },
    file: {
      body: Buffer.from(busy.map((byte, i) => (i === CHUNK + 1 ? byte ^ 1 : byte))),
      type: octets,
    },
  },
  'version 2': { manifest: { ...right, version: '2.0.0' } },
  'two variants': {
    manifest: { ...right, variants: [fp32, { ...fp32, name: 'int8', precision: 'int8' }] },
  },
  'two busy variants': {
    manifest: { ...right, variants: [busyVariant('fp32'), busyVariant('int8')] },
  },
  'two large variants': { manifest: { ...right, variants: [large('fp32'), large('int8')] } },
  'an invalid hash': { manifest: variant({ sha256: 'xyz' }) },
  'an unknown field': { manifest: { ...right, colour: 'red' } },
  'another format': { manifest: { ...right, format: 7 } },
  'no JSON': { text: '{"format": 1' },
  'a page for the manifest': { text: html },
  'a wrong hash': { manifest: wrongHash },
  'a wrong size': { manifest: variant({ bytes: bytes.length + 1 }) },
  'a missing file': { manifest: variant({ url: 'absent.onnx' }) },
  'a page for the file': { file: { body: html, type: 'text/html' } },
  'a page of the right size': { file: { body: html.padEnd(bytes.length), type: octets } },
  'a manifest in a redirect loop': { page: redirect('m.sardonyx.json') },
  'a file in a redirect loop': { file: redirect('fp32.onnx') },
  'a file cut short': { file: { body: Buffer.from(bytes.subarray(0, 100)), type: octets } },
  'a wrong answer': { manifest: wrongAnswer },
};

export const smallFile = { bytes: bytes.length, sha256 };

/** How often each path was asked for. */
export const asked = new Map<string, number>();

/** The ranges that were asked for of the case 'chunked', and whether its next answer breaks off. */
export const rangesAsked: (string | undefined)[] = [];
export const breakOff = { next: false };

function answerRange(file: Uint8Array, { headers, socket }: IncomingMessage): Answer {
  const { range } = headers;
  rangesAsked.push(range);
  const start = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
  const rest = Buffer.from(file.subarray(start));
  const breaks = breakOff.next;
  breakOff.next = false;
  if (breaks) setTimeout(() => socket.destroy(), BREAK_MS);
  return {
    status: range ? 206 : 200,
    body: breaks ? rest.subarray(0, SENT_BEFORE_BREAK) : rest,
    type: octets,
    headers: {
      'Content-Length': rest.length,
      ...(range ? { 'Content-Range': `bytes ${start}-${file.length - 1}/${file.length}` } : {}),
    },
  };
}

export async function answerManifest({
  path,
  request,
}: {
  path: string;
  request: IncomingMessage;
}): Promise<Answer | undefined> {
  const [, , folder = '', file = ''] = decodeURIComponent(path).split('/');
  const found = cases[folder];
  if (!found) return undefined;
  asked.set(path, (asked.get(path) ?? 0) + 1);
  if (file === 'm.sardonyx.json') {
    if (found.page) return found.page;
    return {
      body: found.text ?? JSON.stringify(found.manifest ?? right),
      type: 'application/json',
    };
  }
  if (!file.endsWith('fp32.onnx')) return undefined;
  if (found.delayMs) await new Promise((done) => setTimeout(done, found.delayMs));
  if (found.ranges) return answerRange(found.ranges, request);
  return found.file ?? { body: Buffer.from(bytes), type: octets };
}
