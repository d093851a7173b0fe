import { ERRORS, type ErrorCode, type ErrorScope } from '../worker/errors.generated.js';
import { asFailure, type Attempt, type Failure, type Where } from '../worker/failure.js';

export type { Attempt, ErrorCode, ErrorScope, Where };

/** Every failure of this library but an abort, which rejects with signal.reason. */
export class SardonyxError extends Error {
  override readonly name = 'SardonyxError';
  /** Stable; see docs/errors.md. */
  readonly code: ErrorCode;
  readonly scope: ErrorScope;
  /** The place the message is about. */
  readonly where?: Readonly<Where>;
  /** One sentence that says what to do. */
  readonly remedy: string;
  /** The routes that were tried, when none could serve. */
  readonly attempts?: readonly Attempt[];

  constructor(code: ErrorCode, message: string, where?: Where, attempts?: readonly Attempt[]) {
    super(message);
    this.code = code;
    [, this.scope, this.remedy] = ERRORS[code];
    if (where) this.where = where;
    if (attempts) this.attempts = attempts;
  }
}

export function toSardonyxError(thrown: unknown): SardonyxError {
  if (thrown instanceof SardonyxError) return thrown;
  const { code, message, where, attempts }: Failure = asFailure(thrown);
  return new SardonyxError(code, message, where, attempts);
}
