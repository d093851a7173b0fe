// Options of quantize, which callers without types may get wrong.
import { SardonyxError } from '../web/index.js';
import { checkRecord } from './check_record.js';
import type { QuantizeOptions } from './options.js';
import { checkCalibration } from './static/calibration.js';

const PRECISIONS: readonly string[] = [
  'int8',
  'int4',
  'fp16',
] satisfies QuantizeOptions['precision'][];
const GROUPS: readonly unknown[] = [16, 32, 64, 128, 256];
const ACCURACY_LEVELS: readonly unknown[] = [0, 4];

const KNOWN: readonly string[] = [
  'precision',
  'keep',
  'group',
  'zeroPoints',
  'accuracyLevel',
  'externalData',
  'calibration',
  'signal',
] satisfies (keyof QuantizeOptions)[];

const refuse = (field: string, message: string) =>
  new SardonyxError('INVALID_ARGUMENT', `${field} ${message}`, { field });

/** INVALID_ARGUMENT for a model that is given in another form. */
export function checkBytes(bytes: unknown): void {
  if (!(bytes instanceof Uint8Array)) throw refuse('bytes', 'is a Uint8Array with the model');
}

/** INVALID_ARGUMENT for what is no option, and for options that do not go together. */
export function checkOptions(options: QuantizeOptions): void {
  checkRecord('options', options, KNOWN);
  const { precision, keep, group, zeroPoints, accuracyLevel, calibration } = options;
  const { externalData = {} } = options;
  if (!PRECISIONS.includes(precision)) {
    throw refuse('precision', `is one of ${PRECISIONS.join(', ')}, not ${precision}`);
  }
  if (
    keep !== undefined &&
    !(Array.isArray(keep) && keep.every((name) => typeof name === 'string'))
  ) {
    throw refuse('keep', 'is a list of names');
  }
  if (group !== undefined && !GROUPS.includes(group)) {
    throw refuse('group', `is one of ${GROUPS.join(', ')}, not ${group}`);
  }
  if (accuracyLevel !== undefined && !ACCURACY_LEVELS.includes(accuracyLevel)) {
    throw refuse('accuracyLevel', `is one of ${ACCURACY_LEVELS.join(', ')}, not ${accuracyLevel}`);
  }
  const isBytes = (file: unknown) => file instanceof Uint8Array;
  if (!Object.values(externalData).every(isBytes)) {
    throw refuse('externalData', 'has a Uint8Array for each file');
  }
  if (calibration !== undefined) checkCalibration(precision, calibration);
  const of4Bits = { group, zeroPoints, accuracyLevel };
  for (const [field, value] of Object.entries(of4Bits)) {
    if (value !== undefined && precision !== 'int4') throw refuse(field, 'is for int4 only');
  }
}
