// Runs a model on reference inputs in the page and measures how far its outputs are from the reference.
import type { DType, LoadOptions, Session, Tensor } from '../../web/index';

interface Info {
  inputs: { file: string; name: string }[];
  outputs: { file: string; name: string }[];
}

type Numbers = ArrayBufferView & ArrayLike<number | bigint> & Iterable<number | bigint>;

/**
 * How an output is compared; each gives a ratio of which at most 1 passes.
 *   close      largest |a − b| over 1e-4 · max|reference| + 1e-3 · |reference|
 *   sigmoid    close, with 2^-23 added: the reference runtime computes sigmoid as 0.5 + r in float32,
 *              so that its results are multiples of 2^-25, and some outputs have none above 5e-4
 *   top5       largest |a − b| over 5e-2 · max|reference|; the five largest at the same places
 *   direction  cosine of at least 0.99
 *   picture    PSNR of at least 40 dB
 */
export type Measure = 'close' | 'sigmoid' | 'top5' | 'direction' | 'picture';

export interface Difference {
  readonly output: string;
  readonly ratio: number;
  readonly at: number;
  readonly got: number;
  readonly wanted: number;
}

const arrays: Record<string, new (buffer: ArrayBuffer) => Numbers> = {
  float32: Float32Array,
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

export function difference(
  output: string,
  got: Tensor | undefined,
  wanted: Tensor,
  floor = 0,
): Difference {
  if (!got) throw new Error(`no output '${output}'`);
  if (got.type !== wanted.type) throw new Error(`'${output}' is ${got.type}, not ${wanted.type}`);
  if (got.shape.join() !== wanted.shape.join()) {
    throw new Error(`'${output}' has the shape ${got.shape.join()}, not ${wanted.shape.join()}`);
  }
  const [a, b] = [got.data, wanted.data];
  let largest = 0;
  for (const v of b) largest = Math.max(largest, Math.abs(Number(v)));
  let worst: Difference = { output, ratio: 0, at: -1, got: 0, wanted: 0 };
  for (let i = 0; i < b.length; i++) {
    const [g, w] = [Number(a[i]), Number(b[i])];
    const ratio = g === w ? 0 : Math.abs(g - w) / (1e-4 * largest + 1e-3 * Math.abs(w) + floor);
    if (!(ratio <= worst.ratio)) worst = { output, ratio, at: i, got: g, wanted: w };
    if (Number.isNaN(ratio)) break;
  }
  return worst;
}

/** Places of the five largest elements, the largest first and the others in order of place. */
function top5(data: readonly number[]): number[] {
  const [first = 0, ...others] = data
    .map((_, i) => i)
    .sort((a, b) => (data[b] ?? 0) - (data[a] ?? 0))
    .slice(0, 5);
  return [first, ...others.sort((a, b) => a - b)];
}

function ratioOf(
  measure: Exclude<Measure, 'close' | 'sigmoid'>,
  got: number[],
  wanted: number[],
): number {
  let [product, gotSquare, wantedSquare, squares, worst, largest] = [0, 0, 0, 0, 0, 0];
  wanted.forEach((w, i) => {
    const g = got[i] ?? NaN;
    product += g * w;
    gotSquare += g * g;
    wantedSquare += w * w;
    squares += (g - w) ** 2;
    if (!(Math.abs(g - w) <= worst)) worst = Math.abs(g - w);
    largest = Math.max(largest, Math.abs(w));
  });
  switch (measure) {
    case 'top5':
      return top5(got).join() === top5(wanted).join() ? worst / (0.05 * largest) : Infinity;
    case 'direction':
      return (1 - product / Math.sqrt(gotSquare * wantedSquare)) / (1 - 0.99);
    case 'picture':
      return Math.sqrt(squares / wanted.length) / 10 ** (-40 / 20);
  }
}

function compare(
  measure: Measure,
  output: string,
  got: Tensor | undefined,
  wanted: Tensor,
): Difference {
  const closest = difference(output, got, wanted, measure === 'sigmoid' ? 2 ** -23 : 0);
  if (measure === 'close' || measure === 'sigmoid' || !got) return closest;
  const ratio = ratioOf(measure, Array.from(got.data, Number), Array.from(wanted.data, Number));
  return { ...closest, ratio: Number.isNaN(ratio) ? Infinity : ratio };
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

interface Stream {
  frame_input: string;
  steps: number;
  state_init_zero: Record<string, number[]>;
  state_map_out_to_in: Record<string, string>;
  outputs: string[];
}

/** Feeds frame after frame with the state fed back; compares every output of every step. */
export async function compareStream(session: Session, model: string): Promise<Difference[]> {
  const folder = `${model}/stream`;
  const stream = (await (await fetch(`/golden/${folder}/stream.json`)).json()) as Stream;
  const { Tensor } = window.sardonyx;
  const frames = await fetchTensor(`${folder}/frames.pb`);
  const wanted = new Map<string, Tensor>();
  for (const file of stream.outputs) {
    wanted.set(file.replace(/^seq_|\.pb$/g, ''), await fetchTensor(`${folder}/${file}`));
  }
  const feeds: Record<string, Tensor> = {};
  for (const [name, shape] of Object.entries(stream.state_init_zero)) {
    feeds[name] = new Tensor('float32', new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);
  }
  const worst = new Map<string, Difference>();
  for (let step = 0; step < stream.steps; step++) {
    feeds[stream.frame_input] = slice(frames, step);
    const results = await session.run(feeds);
    for (const [name, all] of wanted) {
      const now = difference(name, results[name], slice(all, step));
      if (!(now.ratio <= (worst.get(name)?.ratio ?? 0))) worst.set(name, now);
    }
    for (const [from, to] of Object.entries(stream.state_map_out_to_in)) {
      const state = results[from];
      if (!state) throw new Error(`no state '${from}'`);
      feeds[to] = state;
    }
  }
  return [...worst.values()];
}

/** tensor[index] of a float32 tensor. */
function slice(tensor: Tensor, index: number): Tensor {
  const shape = tensor.shape.slice(1);
  const count = shape.reduce((a, b) => a * b, 1);
  const data = (tensor.data as Float32Array).slice(index * count, (index + 1) * count);
  return new window.sardonyx.Tensor('float32', data, shape);
}

/** Greedy decoding with the cache fed back; the tokens after the prompt. */
export async function decodeGreedily(
  session: Session,
  prompt: readonly number[],
  count: number,
): Promise<number[]> {
  const { Tensor } = window.sardonyx;
  const int64 = (values: readonly number[]): Tensor =>
    new Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);
  let cache: Record<string, Tensor> = Object.fromEntries(
    session.inputs
      .filter(({ name }) => name.startsWith('past_key_values.'))
      .map(({ name }) => [name, new Tensor('float32', new Float32Array(0), [1, 4, 0, 8])]),
  );
  const tokens: number[] = [];
  let pending = [...prompt];
  let past = 0;
  while (tokens.length < count) {
    const total = past + pending.length;
    const results = await session.run({
      input_ids: int64(pending),
      attention_mask: int64(Array<number>(total).fill(1)),
      position_ids: int64(pending.map((_, i) => past + i)),
      ...cache,
    });
    const next = lastArgmax(results.logits);
    tokens.push(next);
    cache = Object.fromEntries(
      Object.keys(cache).map((name) => {
        const present = results[name.replace('past_key_values', 'present')];
        if (!present) throw new Error(`no cache output for ${name}`);
        return [name, present];
      }),
    );
    past = total;
    pending = [next];
  }
  return tokens;
}

function lastArgmax(logits: Tensor | undefined): number {
  if (!logits) throw new Error('no logits');
  const vocabulary = logits.shape.at(-1) ?? 0;
  const last = (logits.data as Float32Array).subarray(-vocabulary);
  return last.indexOf(Math.max(...last));
}
