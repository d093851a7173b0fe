// What a request is answered with when it fails: an HTTP status and { error, code, remedy }.
import { SardonyxError, type ErrorCode } from '../../web/index.js';

export type ProblemCode =
  ErrorCode | 'BAD_REQUEST' | 'NOT_FOUND' | 'METHOD_NOT_ALLOWED' | 'BODY_TOO_LARGE' | 'ENCODING';

export class HttpProblem extends Error {
  constructor(
    readonly status: number,
    readonly code: ProblemCode,
    message: string,
    readonly remedy?: string,
  ) {
    super(message);
  }
}

export const badRequest = (message: string) => new HttpProblem(400, 'BAD_REQUEST', message);

const STATUS: Partial<Readonly<Record<ErrorCode, number>>> = {
  QUEUE_FULL: 503,
  SESSION_DISPOSED: 503,
  RUN_TIMEOUT: 504,
};

/** Of a run: what the caller sent decides whether a model can compute with it. */
export function asHttpProblem(thrown: unknown): HttpProblem {
  if (thrown instanceof HttpProblem) return thrown;
  if (!(thrown instanceof SardonyxError)) return new HttpProblem(500, 'INTERNAL', String(thrown));
  const { code, scope, message, remedy } = thrown;
  const status = STATUS[code] ?? (scope === 'caller' || scope === 'model' ? 400 : 500);
  return new HttpProblem(status, code, message, remedy);
}
