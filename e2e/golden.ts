// The reference inputs and outputs in ../shared/golden, in a form that pages can fetch.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readTensor } from '../tools/onnx/tensor.mjs';
import type { Answer } from '../tools/server.mjs';
import type { Measure } from './page/golden';

export const shared = join(import.meta.dirname, '../../shared');
export const haveShared = existsSync(join(shared, 'golden'));
export const noShared = 'needs ../shared (models and golden outputs), which is not here';

/** The models that the engine must get right, and by what measure. */
export const models = [
  'mnist_cnn_cntk',
  'ultraface_rfb320',
  'yolox_nano',
  'speech_commands_squeezenet',
  'squeezenet1_0_fp32',
  'superres10',
  'yunet_n_dynamic',
  'mediapipe_selfie',
  'dtln_1',
  'stories260k_fp32',
  'squeezenet1_0_qdq_int8',
  'superres10_qlinear_int8',
  'yolox_nano_qdq_int8',
  'stories260k_int8dyn',
] as const;

/** What the others are held to (see page/golden.ts). */
const measures: Readonly<Record<string, Measure>> = {
  yunet_n_dynamic: 'sigmoid',
  mediapipe_selfie: 'sigmoid',
  squeezenet1_0_qdq_int8: 'top5',
  superres10_qlinear_int8: 'picture',
  yolox_nano_qdq_int8: 'direction',
};
export const measureOf = (model: string): Measure => measures[model] ?? 'close';

interface Info {
  inputs: { file: string; name: string; type: string; dims: number[] }[];
  outputs: { file: string; name: string; type: string; dims: number[] }[];
}

export const dataSets = (model: string): string[] =>
  readdirSync(join(shared, 'golden', model)).filter((name) => name.startsWith('test_data_set_'));

export const hasStream = (model: string): boolean =>
  existsSync(join(shared, 'golden', model, 'stream'));

export function readInfo(model: string, set: string): Info {
  return JSON.parse(readFileSync(join(shared, 'golden', model, set, 'info.json'), 'utf8')) as Info;
}

/** GET /golden/…/x.pb gives the elements alone; dtype and dims are in the header X-Tensor. */
export function answerGolden({ path }: { path: string }): Answer | undefined {
  const file = join(shared, path);
  if (path.includes('..') || !existsSync(file)) return undefined;
  if (!path.endsWith('.pb')) return { body: readFileSync(file), type: 'application/json' };
  const { dtype, dims, data } = readTensor(file);
  return {
    body: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    type: 'application/octet-stream',
    headers: { 'X-Tensor': JSON.stringify({ dtype, dims }), 'Cache-Control': 'no-store' },
  };
}
