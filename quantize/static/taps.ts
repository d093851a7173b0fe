// Runs models with tensors of their inside as further outputs, some at a time, so that memory stays bounded.
import { create } from '@bufbuild/protobuf';
import { load, SardonyxError, type Session, type Tensor } from '../../web/index.js';
import type { Model } from '../model.js';
import { TypeProtoSchema, ValueInfoProtoSchema } from '../onnx_pb.generated.js';
import { FLOAT } from '../tensor_data.js';
import { runSample, type Sample } from './samples.js';

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

/** `visit` sees each tensor of each sample as each of the models has it. */
export async function tap(
  models: readonly Model[],
  { names, samples, onRun }: TapOptions,
  visit: (name: string, tensors: readonly Float32Array[]) => void,
): Promise<void> {
  let count = FIRST;
  for (let start = 0; start < names.length;) {
    const portion = names.slice(start, start + count);
    const sessions = await openAll(models.map((model) => withOutputs(model, portion)));
    let bytes = 0;
    try {
      for (const [i, sample] of samples.entries()) {
        const share = portion.length / samples.length;
        await onRun(start + i * share, names.length);
        bytes = await runAll(sessions, sample, portion, visit);
      }
    } finally {
      await Promise.all(sessions.map((session) => session.dispose()));
    }
    start += portion.length;
    count = Math.max(1, Math.floor((PORTION * portion.length) / Math.max(1, bytes)));
  }
}

async function runAll(
  sessions: readonly Session[],
  sample: Sample,
  names: readonly string[],
  visit: (name: string, tensors: readonly Float32Array[]) => void,
): Promise<number> {
  const results: Readonly<Record<string, Tensor>>[] = [];
  for (const session of sessions) results.push(await runSample(session, sample, names));
  let bytes = 0;
  for (const name of names) {
    const tensors = results.map((result) => floats(name, result[name]!));
    bytes += tensors.reduce((sum, { byteLength }) => sum + byteLength, 0);
    visit(name, tensors);
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
  const known = model.outputNames();
  const type = create(TypeProtoSchema, { tensorType: { elemType: FLOAT } });
  const added = names.filter((name) => !known.has(name));
  graph.output = [...own, ...added.map((name) => create(ValueInfoProtoSchema, { name, type }))];
  const bytes = model.write();
  graph.output = own;
  return bytes;
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
