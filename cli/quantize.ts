// sardonyx quantize: a model with smaller weights.
import { readFile } from 'node:fs/promises';
import type { QuantizeOptions, QuantizeReport } from '../quantize/index.js';
import { SardonyxError } from '../web/index.js';
import {
  assignments,
  onePath,
  optionalText,
  texts,
  UsageError,
  wholeNumber,
  type Arguments,
  type Command,
} from './command.js';
import { CALIBRATION, CALIBRATION_HELP, calibrationOf } from './quantize/calibration.js';
import { compareOutputs } from './quantize/output_agreement.js';
import { outFile } from './quantize/out_file.js';
import { ProgressLine } from './quantize/progress_line.js';
import { publish } from './quantize/publish.js';
import { reportText } from './quantize/report_text.js';
import { FEEDING, FEEDING_HELP, forced, shapesOf } from './run_request.js';

type Precision = QuantizeOptions['precision'];
const PRECISIONS: readonly Precision[] = ['int8', 'int4', 'fp16'];

function precisionOf({ values }: Arguments): Precision {
  const [precision, ...others] = PRECISIONS.filter((name) => values[name] === true);
  if (precision && others.length === 0) return precision;
  const names = PRECISIONS.map((name) => `--${name}`).join(', ');
  throw new UsageError(`give one of ${names}`);
}

/** Options of one precision. */
const OF_4_BITS = ['group', 'zero-points', 'accuracy-level'];

function accuracyLevelOf(given: Arguments): 0 | 4 | undefined {
  const text = optionalText(given, 'accuracy-level');
  if (text === undefined) return undefined;
  if (text === '0') return 0;
  if (text === '4') return 4;
  throw new UsageError(`--accuracy-level is 0 or 4, not ${text}`);
}

function keptOf(given: Arguments): string[] {
  const names = texts(given, 'keep').flatMap((list) => list.split(','));
  if (names.every((name) => name.trim() !== '')) return names;
  throw new UsageError('--keep takes names, with a comma between two of them');
}

async function optionsOf(given: Arguments): Promise<QuantizeOptions> {
  const precision = precisionOf(given);
  const group = wholeNumber(given, 'group');
  const zeroPoints = given.values['zero-points'] === true;
  const accuracyLevel = accuracyLevelOf(given);
  for (const name of OF_4_BITS) {
    if (precision !== 'int4' && given.values[name] !== undefined) {
      throw new UsageError(`--${name} goes with --int4`);
    }
  }
  const keep = keptOf(given);
  forced(given);
  shapesOf(given);
  const calibration = await calibrationOf(given);
  return {
    precision,
    keep,
    ...(group !== undefined && { group }),
    ...(zeroPoints && { zeroPoints }),
    ...(accuracyLevel !== undefined && { accuracyLevel }),
    ...(calibration && { calibration }),
  };
}

const read = (file: string, field: string) =>
  readFile(file).catch((thrown: unknown) => {
    throw new SardonyxError('INVALID_ARGUMENT', `can not read ${file}: ${String(thrown)}`, {
      field,
    });
  });

async function readExternal(given: Arguments): Promise<Record<string, Uint8Array>> {
  const files: Record<string, Uint8Array> = {};
  for (const [name, path] of assignments(given, 'external')) {
    files[name] = await read(path, 'external');
  }
  return files;
}

async function quantized(bytes: Uint8Array, options: QuantizeOptions) {
  const { quantize } = await import('../quantize/index.js');
  const progress = new ProgressLine(process.stderr);
  try {
    return await quantize(bytes, options, (news) => progress.show(news));
  } finally {
    progress.end();
  }
}

/** JSON has no infinity. */
const finite = (value: number) => (Number.isFinite(value) ? value : null);

const forJson = ({ layers, ...rest }: QuantizeReport) => ({
  ...rest,
  layers: layers.map((layer) => ({
    ...layer,
    weightSqnr: finite(layer.weightSqnr),
    ...(layer.outputSqnr !== undefined && { outputSqnr: finite(layer.outputSqnr) }),
  })),
});

async function run(given: Arguments) {
  const file = onePath(given, 'model file');
  if (/^https?:/.test(file)) throw new UsageError(`FILE is a file here, and ${file} a URL`);
  const options = await optionsOf(given);
  const out = await outFile(file, options.precision, given);
  const bytes = await read(file, 'FILE');
  const externalData = await readExternal(given);
  const { model, report } = await quantized(bytes, { ...options, externalData });
  // Without feeds of their own: what the calibration data say is more than random numbers do.
  const measured = texts(given, 'input').length === 0 && report.outputs.length > 0;
  const outputs = measured
    ? report.outputs
    : await compareOutputs(bytes, model, externalData, given);
  await publish(out, model);
  return {
    text: reportText(out, report, outputs),
    json: {
      file: out,
      precision: options.precision,
      ...forJson(report),
      outputs: 'reason' in outputs ? null : outputs.map((o) => ({ ...o, sqnr: finite(o.sqnr) })),
    },
  };
}

export const quantizeCommand: Command = {
  usage:
    'quantize FILE --int8|--int4|--fp16 [--calibrate DIR|random] [--calibration-method METHOD]\n' +
    '             [--min-cosine X] [--min-sqnr DB] [--out FILE] [--keep NAME[,NAME] …] [--group N] [--zero-points]\n' +
    '             [--accuracy-level 0|4] [--force] [--input NAME=FILE …] [--shape NAME=1x3x224x224 …] [--external NAME=FILE …] [--json]',
  summary: 'Write a model with smaller weights, and say what that costs',
  help: `  --int8                 MatMul and Gemm of int8 weights, activations by the range of each run
${CALIBRATION_HELP}
  --int4                 MatMul, Gemm and Gather of 4-bit weights
  --fp16                 weights and inner values of float16; inputs and outputs stay as they are
  --group N              with --int4: weights that share a scale, 16, 32, 64, 128 or 256; default 32
  --zero-points          with --int4: a zero point for each group, for weights that are not around 0
  --accuracy-level 0|4   with --int4: 4 (default) lets runtimes take activations as int8, 0 keeps them floats
  --keep NAME[,NAME]     nodes or operators that stay as they are
  -o, --out FILE         default: FILE_int8.onnx, or what the precision is
  --force                FILE may be written over
${FEEDING_HELP.options}
  --json                 the same as JSON

The result is standard ONNX with operators of com.microsoft for --int4; onnxruntime loads it too. It is run
beside FILE before it is written: on the feeds that are given, else on the calibration data (every fifth sample of
five or more is for that only), else on random numbers.`,
  options: {
    ...FEEDING,
    ...CALIBRATION,
    int8: { type: 'boolean' },
    int4: { type: 'boolean' },
    fp16: { type: 'boolean' },
    group: { type: 'string' },
    'zero-points': { type: 'boolean' },
    'accuracy-level': { type: 'string' },
    keep: { type: 'string', multiple: true },
    out: { type: 'string', short: 'o' },
    force: { type: 'boolean' },
  },
  run,
};
