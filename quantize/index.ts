// sardonyx/quantize: smaller weights in a model.
import { SardonyxError } from '../web/index.js';
import { convertToHalves } from './fp16.js';
import { quantizeDynamically } from './int8_dynamic.js';
import { Job } from './job.js';
import { checkBytes, checkOptions } from './check_options.js';
import { quantizeTo4Bits } from './int4.js';
import { Model } from './model.js';
import type { QuantizeOptions } from './options.js';
import { refuseMissing } from './refuse_missing.js';
import { refuseQuantized } from './refuse_quantized.js';
import type { QuantizeProgress, QuantizeReport } from './report.js';
import { quantizeStatically } from './static/static_int8.js';

export type { ExternalData, QuantizeOptions } from './options.js';
export type { Likeness } from './agreement.js';
export type {
  KeptReport,
  LayerReport,
  OutputReport,
  QuantizeProgress,
  QuantizeReport,
} from './report.js';
export { METHODS, type CalibrationMethod } from './static/methods.js';
export type { Feeds, Sample } from './static/samples.js';
export type { Calibration } from './static/calibration.js';

export interface Quantized {
  /** An .onnx file. */
  readonly model: Uint8Array<ArrayBuffer>;
  readonly report: QuantizeReport;
}

type Mode = (model: Model, job: Job, options: QuantizeOptions) => Promise<void>;

const MODES: Readonly<Record<QuantizeOptions['precision'], Mode>> = {
  int8: (model, job, { calibration }) =>
    calibration ? quantizeStatically(model, job, calibration) : quantizeDynamically(model, job),
  int4: (model, job, { group = 32, zeroPoints = false, accuracyLevel = 4 }) =>
    quantizeTo4Bits(model, job, { group, zeroPoints, accuracyLevel }),
  fp16: convertToHalves,
};

/**
 * The model with weights of another precision. It is standard ONNX, which onnxruntime loads too. The bytes given are
 * not changed. Rejects with a SardonyxError when nothing can be done, with signal.reason when it is aborted.
 */
export async function quantize(
  bytes: Uint8Array,
  options: QuantizeOptions,
  onProgress: (progress: QuantizeProgress) => void = () => undefined,
): Promise<Quantized> {
  checkBytes(bytes);
  checkOptions(options);
  const { externalData = {} } = options;
  const model = new Model(bytes, externalData);
  refuseQuantized(model);
  refuseMissing(model);
  const job = new Job(model, options, onProgress);
  await MODES[options.precision](model, job, options);
  if (job.layers.length === 0) throw nothingDone(job, options);
  model.removeUnused();
  const written = model.write();
  const { layers, kept, outputs } = job;
  return {
    model: written,
    report: {
      bytesBefore: [bytes, ...Object.values(externalData)].reduce(
        (sum, part) => sum + part.length,
        0,
      ),
      bytesAfter: written.length,
      layers,
      kept,
      outputs,
    },
  };
}

function nothingDone({ kept }: Job, { precision }: QuantizeOptions): SardonyxError {
  const [first] = kept;
  const why = first
    ? `of ${kept.length} nodes with weights the first, ${first.node}, is left as it is: ${first.reason}`
    : 'the model has no node whose weight this precision is for';
  return new SardonyxError('NOTHING_TO_QUANTIZE', `${precision}: ${why}`, {
    ...(first && { node: first.node }),
  });
}
