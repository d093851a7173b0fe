// How an error is told: code, message, place, remedy.
import { SardonyxError } from '../web/index.js';
import { Failure } from '../worker/failure.js';

function asError(thrown: unknown): SardonyxError {
  if (thrown instanceof SardonyxError) return thrown;
  if (thrown instanceof Failure) {
    return new SardonyxError(thrown.code, thrown.message, thrown.where);
  }
  return new SardonyxError('INTERNAL', thrown instanceof Error ? thrown.message : String(thrown));
}

export function problemText(thrown: unknown): string {
  const { code, message, where, remedy } = asError(thrown);
  const place = Object.entries(where ?? {}).map(([key, value]) => `  ${key}: ${value}\n`);
  return `${code}: ${message}\n${place.join('')}  remedy: ${remedy}\n`;
}

export function problemJson(thrown: unknown): unknown {
  const { code, scope, message, where, remedy } = asError(thrown);
  return { error: { code, scope, message, where, remedy } };
}
