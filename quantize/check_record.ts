// Options, which callers without types may have made of anything.
import { SardonyxError } from '../web/index.js';

/** INVALID_ARGUMENT for what is no object, and for the first of its names that is none of `known`. */
export function checkRecord(what: string, value: unknown, known: readonly string[]): void {
  const wrong = (field: string, message: string) =>
    new SardonyxError('INVALID_ARGUMENT', message, { field });
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrong(what, `${what} is an object with ${known.join(', ')}`);
  }
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw wrong(`${what}.${unknown}`, `there is no ${what}.${unknown}, only ${known.join(', ')}`);
}
