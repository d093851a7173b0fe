// Runs models with tensors of their inside as further outputs, some at a time, so that memory stays bounded.
import { create } from '@bufbuild/protobuf';
import { load, SardonyxError, type Session, type Tensor } from '../../web/index.js';
import type { Model } from '../model.js';
import { TypeProtoSchema, ValueInfoProtoSchema } from '../onnx_pb.generated.js';
import { FLOAT } from '../tensor_data.js';
import { naming, runSample, type Sample } from './samples.js';

/** Bytes of tensors that a run gives beside the outputs of the model. */
const PORTION = 128 * 2 ** 20;
/** Whose size tells how many go into the next portion. */
const FIRST = 16;

export interface TapOptions {
  readonly names: readonly string[];
  readonly samples: readonly Sample[];
  /** Before each run. */
  readonly onRun: (done: number, total: number) => Promise<void>;
}

/** Sees each tensor of each sample as each of the models has it. */
export type Visit = (name: string, tensors: readonly Float32Array[]) => void;

export async function tap(
  models: readonly Model[],
  { names, samples, onRun }: TapOptions,
  visit: Visit,
): Promise<void> {
  let count = FIRST;
  for (let start = 0; start < names.length;) {
    const portion = names.slice(start, start + count);
    const bytes = await tapPortion(
      models,
      { names: portion, samples, onRun: (done) => onRun(start + done, names.length) },
      visit,
    );
    start += portion.length;
    count = nextCount(portion.length, bytes);
  }
}

/** How many fit into a portion where `count` of them had so many bytes. */
export const nextCount = (count: number, bytes: number): number =>
  Math.max(1, Math.floor((PORTION * count) / Math.max(1, bytes)));

/** All names at once; resolves with the bytes that one run gives. */
export async function tapPortion(
  models: readonly Model[],
  { names, samples, onRun }: TapOptions,
  visit: Visit,
): Promise<number> {
  const sessions = await openAll(models.map((model) => withOutputs(model, names)));
  let bytes = 0;
  try {
    for (const [i, sample] of samples.entries()) {
      await onRun((i * names.length) / samples.length, names.length);
      bytes = await runAll(sessions, sample, names, visit);
    }
  } finally {
    await Promise.all(sessions.map((session) => session.dispose()));
  }
  return bytes;
}

async function runAll(
  sessions: readonly Session[],
  sample: Sample,
  names: readonly string[],
  visit: Visit,
): Promise<number> {
  const results: Readonly<Record<string, Tensor>>[] = [];
  for (const session of sessions) results.push(await runSample(session, sample, names));
  let bytes = 0;
  for (const name of names) {
    const tensors = results.map((result) => floats(name, result[name]!));
    bytes += tensors.reduce((sum, { byteLength }) => sum + byteLength, 0);
    await naming(sample, () => visit(name, tensors));
  }
  return bytes;
}

function floats(name: string, { type, data }: Tensor): Float32Array {
  if (data instanceof Float32Array) return data;
  throw new SardonyxError('DTYPE_UNSUPPORTED', `${name} is ${type}, not float32`, { tensor: name });
}

/** The model as a file that gives `names` too. */
function withOutputs(model: Model, names: readonly string[]): Uint8Array {
  const { graph } = model;
  const own = graph.output;
  addOutputs(model, names);
  const bytes = model.write();
  graph.output = own;
  return bytes;
}

/** Float tensors that the model gives too, unless it does already. */
export function addOutputs(model: Model, names: readonly string[]): void {
  const known = model.outputNames();
  const type = create(TypeProtoSchema, { tensorType: { elemType: FLOAT } });
  const added = names.filter((name) => !known.has(name));
  const infos = added.map((name) => create(ValueInfoProtoSchema, { name, type }));
  model.graph.output = [...model.graph.output, ...infos];
}

async function openAll(files: readonly Uint8Array[]): Promise<Session[]> {
  const sessions: Session[] = [];
  try {
    for (const bytes of files) sessions.push(await load(bytes));
  } catch (thrown) {
    await Promise.all(sessions.map((session) => session.dispose()));
    throw thrown;
  }
  return sessions;
}
