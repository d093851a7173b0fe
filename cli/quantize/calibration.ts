// The options of sardonyx quantize for static quantization.
import type { Calibration, CalibrationMethod } from '../../quantize/index.js';
import { optionalText, texts, UsageError, type Arguments, type Options } from '../command.js';
import { shapesOf } from '../run_request.js';
import { samplesOf, shapedSamples } from './samples.js';

export const CALIBRATION: Options = {
  calibrate: { type: 'string' },
  'calibration-method': { type: 'string' },
  'min-cosine': { type: 'string' },
  'min-sqnr': { type: 'string' },
};

export const CALIBRATION_HELP = `  --calibrate DIR|random with --int8: activations are bytes too, with ranges that these inputs show. DIR has a
                         folder for each sample, or is one: input_0.pb, NAME.pb or NAME.npy for each input
  --calibration-method M what the range is: percentile (default: 99.99 %), minmax or entropy
  --min-cosine X         layers stay floats until outputs have this cosine with FILE's; default 0.99
  --min-sqnr DB          the same for the SQNR of outputs`;

function numberOf(given: Arguments, name: string): number | undefined {
  const text = optionalText(given, name);
  if (text === undefined) return undefined;
  const number = Number(text);
  if (text.trim() !== '' && Number.isFinite(number)) return number;
  throw new UsageError(`--${name} takes a number, not ${text}`);
}

/** What is for runs on other feeds needs such feeds. */
function checkFeeding(given: Arguments, source: string): void {
  if (texts(given, 'input').length > 0) return;
  for (const option of ['shape', 'threads', 'module']) {
    if (given.values[option] === undefined || (option === 'shape' && source === 'random')) continue;
    throw new UsageError(`--${option} goes with --input where there is --calibrate`);
  }
}

function samplesFrom(given: Arguments, source: string) {
  if (source !== 'random') return samplesOf(source);
  const shapes = shapesOf(given);
  return shapes.size > 0 ? shapedSamples(shapes) : source;
}

/** Undefined where nothing asks for it. */
export async function calibrationOf(given: Arguments): Promise<Calibration | undefined> {
  const source = optionalText(given, 'calibrate');
  const method = optionalText(given, 'calibration-method');
  const minCosine = numberOf(given, 'min-cosine');
  const minSqnr = numberOf(given, 'min-sqnr');
  const options = Object.keys(CALIBRATION).filter((name) => given.values[name] !== undefined);
  if (options.length > 0 && given.values.int8 !== true) {
    throw new UsageError(`--${options[0]!} goes with --int8`);
  }
  if (source === undefined) {
    if (options.length === 0) return undefined;
    throw new UsageError(`--${options[0]!} goes with --calibrate`);
  }
  checkFeeding(given, source);
  return {
    samples: await samplesFrom(given, source),
    // What is none is refused with the ones that there are.
    ...(method !== undefined && { method: method as CalibrationMethod }),
    ...(minCosine !== undefined && { minCosine }),
    ...(minSqnr !== undefined && { minSqnr }),
  };
}
