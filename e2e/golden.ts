// The reference inputs and outputs in ../shared/golden, in a form that pages can fetch.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readTensor } from '../tools/onnx/tensor.mjs';
import type { Answer } from '../tools/server.mjs';
import type { Measure } from './page/measures';

export const shared = join(import.meta.dirname, '../../shared');
export const haveShared = existsSync(join(shared, 'golden'));
export const noShared = 'needs ../shared (models and golden outputs), which is not here';

interface Golden {
  /** See page/measures.ts; 'close' where there is none. */
  readonly measure?: Measure;
  /** The first data set that counts. */
  readonly firstSet?: number;
  /** So large or so slow that one way of running it has to do. */
  readonly once?: true;
}

/** The models that the engine must get right. */
export const models: Readonly<Record<string, Golden>> = {
  // Pictures
  mnist_cnn_cntk: {},
  squeezenet1_0_fp32: { once: true },
  squeezenet1_0_fp16: { measure: 'peak', once: true },
  squeezenet1_0_qdq_int8: { measure: 'top5' },
  superres10: { once: true },
  superres10_qlinear_int8: { measure: 'picture' },
  ultraface_rfb320: {},
  yolox_nano: {},
  yolox_nano_qdq_int8: { measure: 'direction', once: true },
  yunet_n_dynamic: { measure: 'sigmoid' },
  retinaface_mnet025_qdq_int8: { once: true },
  mediapipe_selfie: { measure: 'sigmoid' },
  ppocr_det_mobile_v2: { firstSet: 1, once: true }, // of noise it makes about 1e-8 everywhere
  meshnet_brain: { once: true },
  // Sound
  speech_commands_squeezenet: {},
  silero_vad_v3_transformer: {},
  silero_vad_v5: {},
  silero_vad_v6_op18_ifless: { once: true },
  dtln_1: {},
  dtln_2: {},
  gtcrn_stream: {},
  fastenhancer_m_wav: { once: true },
  dpt_m_spec: { once: true },
  basic_pitch: { once: true },
  swift_f0: {},
  // Text and games
  magika_v3_3: { once: true },
  g2p_arpabet_rnnt: {},
  santorini_alphazero: {},
  stories260k_fp32: {},
  stories260k_fp16: { measure: 'peak' },
  stories260k_int8dyn: {},
  stories260k_opset23: {},
  stories260k_gqa_fp32: {},
  stories260k_gqa_q4: {},
  stories260k_gqa_q8: {},
};

export const measureOf = (model: string): Measure => models[model]?.measure ?? 'close';

export const dataSets = (model: string): string[] =>
  readdirSync(join(shared, 'golden', model)).filter((name) => {
    const number = /^test_data_set_(\d+)$/.exec(name)?.[1];
    return number !== undefined && Number(number) >= (models[model]?.firstSet ?? 0);
  });

export const hasStream = (model: string): boolean =>
  existsSync(join(shared, 'golden', model, 'stream'));

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
