// Bytes that are not those of the manifest. The message goes on from the name of the file.
import { Failure } from '../failure.js';

export class Mismatch extends Error {}

export function check(holds: boolean, text: string): void {
  if (!holds) throw new Mismatch(text);
}

export const mismatch = (url: string, text: string) =>
  new Failure('FILE_MISMATCH', `${url} ${text}`, { url });
