// What a caller may say about static quantization.
import { SardonyxError } from '../../web/index.js';
import { checkRecord } from '../check_record.js';
import { METHODS, type CalibrationMethod } from './methods.js';
import { randomSamples, type Sample } from './samples.js';

export interface Calibration {
  /** Inputs that show the ranges of activations; 'random' makes some. Of five or more, every fifth is only compared. */
  readonly samples: 'random' | readonly Sample[];
  /** Default percentile. */
  readonly method?: CalibrationMethod;
  /** Layers stay floats until each output has at least this cosine with the float model's; default 0.99. */
  readonly minCosine?: number;
  /** Layers stay floats until each output has at least this SQNR in dB; default none. */
  readonly minSqnr?: number;
}

export const MIN_COSINE = 0.99;
const RANDOM_SAMPLES = 8;
const SEED = 1;
const KNOWN: readonly string[] = [
  'samples',
  'method',
  'minCosine',
  'minSqnr',
] satisfies (keyof Calibration)[];
/** Of so many samples one is for the comparison only. */
const HELD_OUT = 5;

const isSample = (sample: unknown) =>
  typeof sample === 'object' && sample !== null && typeof (sample as Sample).feeds === 'function';

/** INVALID_ARGUMENT for what no quantization can begin with. */
export function checkCalibration(precision: string, calibration: Calibration): void {
  checkRecord('calibration', calibration, KNOWN);
  const { samples, method = 'percentile', minCosine = MIN_COSINE, minSqnr = 0 } = calibration;
  const wrong = (field: string, message: string) =>
    new SardonyxError('INVALID_ARGUMENT', message, { field: `calibration.${field}` });
  if (precision !== 'int8') throw wrong('samples', `calibration is for int8, not for ${precision}`);
  if (samples !== 'random' && !(Array.isArray(samples) && samples.every(isSample))) {
    throw wrong('samples', "samples is 'random' or a list of samples with a function feeds");
  }
  if (samples.length === 0) throw wrong('samples', 'there are no samples to calibrate with');
  if (!METHODS.includes(method)) {
    throw wrong('method', `the method is one of ${METHODS.join(', ')}, not ${method}`);
  }
  if (!(minCosine >= 0 && minCosine <= 1)) {
    throw wrong('minCosine', `minCosine is from 0 to 1, not ${minCosine}`);
  }
  if (!Number.isFinite(minSqnr)) {
    throw wrong('minSqnr', `minSqnr is a number of dB, not ${minSqnr}`);
  }
}

/** Samples for the ranges, and for the comparison: others where there are enough. */
export function splitSamples(
  given: Calibration['samples'],
): [readonly Sample[], readonly Sample[]] {
  if (given === 'random') {
    return [randomSamples(RANDOM_SAMPLES, SEED), randomSamples(2, SEED + RANDOM_SAMPLES)];
  }
  if (given.length < HELD_OUT) return [given, given];
  const held = (i: number) => i % HELD_OUT === HELD_OUT - 1;
  return [given.filter((_, i) => !held(i)), given.filter((_, i) => held(i))];
}
