// An error on its way from the engine to the caller. web/errors.ts turns it into a SardonyxError.
import type { ErrorCode } from './errors.generated.js';

export interface Where {
  node?: string;
  operator?: string;
  tensor?: string;
  field?: string;
  url?: string;
}

// What crosses a thread boundary.
export interface WireFailure {
  code: ErrorCode;
  message: string;
  where?: Where;
}

/** A candidate that did not serve. */
export interface Attempt {
  readonly route: string;
  readonly code: ErrorCode;
  readonly message: string;
}

export class Failure extends Error {
  readonly code: ErrorCode;
  readonly where: Where | undefined;
  // Candidates that were tried before; router/serve.ts.
  attempts?: readonly Attempt[];

  constructor(code: ErrorCode, message: string, where?: Where) {
    super(message);
    this.name = 'Failure';
    this.code = code;
    this.where = where;
  }

  static from(wire: WireFailure): Failure {
    return new Failure(wire.code, wire.message, wire.where);
  }

  toWire(): WireFailure {
    const { code, message, where } = this;
    return where ? { code, message, where } : { code, message };
  }
}

// A thrown value that is not a Failure is a trap of the module or a bug beside it. Told by the name:
// worker.js and the page's bundle each have their own class.
export function asFailure(thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown;
  if (thrown instanceof Error && thrown.name === 'Failure') {
    return Failure.from(thrown as Error & WireFailure);
  }
  const text = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return new Failure('ENGINE_TRAP', `the engine stopped: ${text}`);
}

// After these the module instance must not be used again.
export const isFatal = (failure: Failure) => failure.code === 'ENGINE_TRAP';
