// onnxruntime-web's names and behaviour on Sardonyx.
export { InferenceSession } from './session.js';
export type { RunOptions, SessionOptions, ValueMetadata } from './session.js';
export { Tensor, type DataType, type DataTypeMap, type Type } from './tensor.js';
export { env, type Env } from './env.js';
