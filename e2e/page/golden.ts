// Runs a model on reference inputs in the page and measures how far its outputs are from the reference.
import type { DType, LoadOptions, Session, Tensor } from '../../web/index';
import { compare, type Difference, type Measure } from './measures';

interface Info {
  inputs: { file: string; name: string }[];
  outputs: { file: string; name: string }[];
}

type Numbers = ArrayBufferView & ArrayLike<number | bigint> & Iterable<number | bigint>;

const arrays: Record<string, new (buffer: ArrayBuffer) => Numbers> = {
  float32: Float32Array,
  float16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  bool: Uint8Array,
};

export async function fetchTensor(path: string): Promise<Tensor> {
  const answer = await fetch(`/golden/${path}`);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  const { dtype, dims } = JSON.parse(answer.headers.get('X-Tensor') ?? '') as {
    dtype: DType;
    dims: number[];
  };
  const ArrayType = arrays[dtype];
  if (!ArrayType) throw new Error(`${path}: dtype ${dtype}`);
  const data = new ArrayType(await answer.arrayBuffer()) as unknown as Float32Array;
  return new window.sardonyx.Tensor(dtype, data, dims);
}

export const loadShared = (model: string, options: LoadOptions): Promise<Session> =>
  window.sardonyx.load(`/shared-models/${model}.onnx`, options);

/** One test_data_set folder; a difference for each output. */
export async function compareSet(
  session: Session,
  model: string,
  set: string,
  measure: Measure = 'close',
): Promise<Difference[]> {
  const folder = `${model}/${set}`;
  const info = (await (await fetch(`/golden/${folder}/info.json`)).json()) as Info;
  const feeds: Record<string, Tensor> = {};
  for (const { name, file } of info.inputs) feeds[name] = await fetchTensor(`${folder}/${file}`);
  const results = await session.run(feeds);
  const differences = [];
  for (const { name, file } of info.outputs) {
    const wanted = await fetchTensor(`${folder}/${file}`);
    differences.push(compare(measure, name, results[name], wanted));
  }
  return differences;
}
