// The failure that the last C call left behind.
import type { Instance } from './abi.js';
import type { ErrorCode } from './errors.generated.js';
import { Failure } from './failure.js';
import { readString } from './memory.js';

interface ErrorJson {
  code: ErrorCode;
  message: string;
  node?: string;
  operator?: string;
  tensor?: string;
}

export function lastError(instance: Instance): Failure {
  const { code, message, ...where } = JSON.parse(
    readString(instance, instance._sx_error() >>> 0),
  ) as ErrorJson & { number?: number };
  delete where.number;
  return new Failure(code, message, Object.keys(where).length > 0 ? where : undefined);
}

// Throws when a C function did not return 0.
export function check(instance: Instance, result: number): void {
  if (result !== 0) throw lastError(instance);
}
