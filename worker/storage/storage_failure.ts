// What storage APIs throw, as a Failure of scope storage.
import { Failure } from '../failure.js';

export function asStorageFailure(thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown;
  const { name, message } = thrown instanceof Error ? thrown : new Error(String(thrown));
  const text = `the storage of this browser failed: ${name}: ${message}`;
  if (name === 'QuotaExceededError') return new Failure('STORAGE_FULL', text);
  const blocked = name === 'SecurityError' || name === 'NotAllowedError';
  return new Failure(blocked ? 'STORAGE_BLOCKED' : 'STORAGE_FAILED', text);
}
