// One test of the suite through the public API.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readValueProto } from '../../cli/value_proto.js';
import {
  load,
  SardonyxError,
  Tensor,
  type Session,
  type Value,
  type ValueInfo,
} from '../../web/index.js';
import { valueDifference } from './compare.js';
import { modelOperators, tensorName } from './onnx_names.js';
import { dataSets, numbered, type SuiteCase } from './suite.js';

export interface CaseResult {
  readonly id: string;
  /** Operators that the model names. */
  readonly operators: readonly string[];
  /** Element types of what went in and was expected, sorted. */
  readonly dtypes: readonly string[];
  /** Empty for a pass. */
  readonly failure: string;
}

type Values = Record<string, Value>;

// The suite's older data has the bits of bfloat16 as uint16.
const asDeclared = (value: Value, info: ValueInfo) =>
  value instanceof Tensor && value.type === 'uint16' && info.type === 'bfloat16'
    ? new Tensor('bfloat16', value.data, value.shape)
    : value;

function readAll(folder: string, prefix: 'input' | 'output', values: readonly ValueInfo[]) {
  const found: Values = {};
  for (const [i, file] of numbered(folder, prefix).entries()) {
    const bytes = readFileSync(file);
    const name = tensorName(bytes);
    const info = values.find((value) => value.name === name) ?? values[i];
    if (info) found[info.name] = asDeclared(readValueProto(bytes, info.kind), info);
  }
  return found;
}

const tensorsOf = (value: Value) => (value instanceof Tensor ? [value] : (value ?? []));

async function runDataSet(session: Session, folder: string, dtypes: Set<string>): Promise<string> {
  const inputs = readAll(folder, 'input', session.inputs);
  const expected = readAll(folder, 'output', session.outputs);
  for (const value of [...Object.values(inputs), ...Object.values(expected)]) {
    for (const { type } of tensorsOf(value)) dtypes.add(type);
  }
  const actual = await session.run<Value>(inputs);
  for (const [name, value] of Object.entries(expected)) {
    const found = valueDifference(actual[name]!, value);
    if (found !== '') return `output '${name}': ${found}`;
  }
  return '';
}

async function failureOf(model: Uint8Array, folder: string, dtypes: Set<string>): Promise<string> {
  const session = await load(model, { execution: 'inline' });
  try {
    const sets = dataSets(folder);
    if (sets.length === 0) return 'no test data';
    for (const set of sets) {
      const failure = await runDataSet(session, set, dtypes);
      if (failure !== '') return failure;
    }
    return '';
  } finally {
    await session.dispose();
  }
}

export async function runCase({ id, folder }: SuiteCase): Promise<CaseResult> {
  const model = readFileSync(join(folder, 'model.onnx'));
  const dtypes = new Set<string>();
  const failure = await failureOf(model, folder, dtypes).catch((thrown: unknown) =>
    thrown instanceof SardonyxError
      ? `${thrown.code}: ${thrown.message}`
      : `CRASH: ${String(thrown)}`,
  );
  return { id, operators: modelOperators(model), dtypes: [...dtypes].sort(), failure };
}
