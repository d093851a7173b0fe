// y = x + 1 for two numbers, in three variants.
import type { KnownAnswer, Manifest, Variant } from '../../manifest/parse.js';

const variant = (precision: Variant['precision'], letter: string): Variant => ({
  name: precision,
  url: `m_${precision}.onnx`,
  bytes: 1000,
  sha256: letter.repeat(64),
  precision,
  devices: precision === 'int8' ? ['cpu'] : ['webgpu', 'cpu'],
  opset: 13,
});

const answer: KnownAnswer = {
  title: 'zero and one',
  inputs: { x: { dtype: 'float32', shape: [2], base64: 'AAAAAAAAgD8=' } },
  outputs: { y: { dtype: 'float32', shape: [2], base64: 'AACAPwAAAEA=' } },
  tolerance: { fp32: 1e-5, fp16: 1e-3, int8: 0.25 },
};

export const sampleManifest = (): Manifest & { knownAnswers: KnownAnswer[] } => ({
  format: 1,
  name: 'm',
  version: '1.0.0',
  license: 'MIT',
  inputs: [{ name: 'x', dtype: 'float32', shape: [2] }],
  outputs: [{ name: 'y', dtype: 'float32', shape: [2] }],
  variants: [variant('fp32', 'a'), variant('fp16', 'b'), variant('int8', 'c')],
  knownAnswers: [answer],
});
