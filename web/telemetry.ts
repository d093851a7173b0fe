// What LoadOptions.onTelemetry gets.
import type { ErrorCode } from '../worker/errors.generated.js';
import type { ValueInfo } from '../worker/protocol.js';
import type { Difference } from '../router/numbers.js';
import type { Counts, Verdict } from '../router/rollout.js';
import type { RouteDevice } from '../router/route.js';
import { share } from '../router/service_times.js';
import type { ShadowReport } from '../router/shadow.js';
import type { RunReport } from '../router/supervisor.js';
import type { ModuleName } from '../worker/abi.js';
import type { RouteEventDetail, Session } from './session.js';

export interface TelemetrySubject {
  /** Name and version of the manifest; undefined for a plain .onnx, as is the variant. */
  readonly model?: string;
  readonly version?: string;
  readonly variant?: string;
  readonly device: RouteDevice;
  readonly module?: ModuleName;
  /** The id of the route. */
  readonly route: string;
}

export type TelemetryEvent = TelemetrySubject &
  (
    | {
        /** As the events of a session; `route` also once at the beginning. */
        readonly type: 'route' | 'swap' | 'degrade' | 'recover' | 'rollback';
        readonly from?: string;
        readonly to: string;
        readonly why: string;
        readonly code?: ErrorCode;
      }
    | { readonly type: 'error'; readonly code: ErrorCode; readonly message: string }
    | {
        /** Of runs on a visible page, without their wait. */
        readonly type: 'latency';
        readonly runs: number;
        readonly p50Ms: number;
        readonly p95Ms: number;
      }
    | ({
        /** Of the candidate version. */
        readonly type: 'verdict';
        readonly candidate: string;
        readonly verdict: Verdict;
      } & Counts)
    | ShadowNews
  );

/** A run of the stable version that the candidate repeated, or tried to. */
export interface ShadowNews {
  readonly type: 'shadow';
  /** The version, and the id of its route where one has started. */
  readonly candidate: string;
  readonly candidateRoute?: string;
  readonly stableMs: number;
  readonly candidateMs?: number;
  /** The largest of an element, relative to the larger of the two; Infinity where type or shape are others. */
  readonly differences?: readonly (Difference & { readonly output: string })[];
  readonly code?: ErrorCode;
  readonly message?: string;
  /** Runs since the event before that were not repeated, because the candidate was behind. */
  readonly dropped: number;
  /** After errors nothing more is repeated by this session. */
  readonly stopped: boolean;
}

// Distributes over the union.
type Of<T> = T extends unknown ? Omit<T, keyof TelemetrySubject> : never;
type News = Of<TelemetryEvent>;

const SUMMARY_RUNS = 100;
const MOVES = ['swap', 'degrade', 'recover', 'rollback', 'route'] as const;

export class Telemetry {
  readonly #hook: (event: TelemetryEvent) => unknown;
  #session: Session | undefined;
  #subject: TelemetrySubject | undefined;
  #times: number[] = [];

  constructor(hook: (event: TelemetryEvent) => unknown) {
    this.#hook = hook;
  }

  begin(session: Session): void {
    this.#session = session;
    this.#subject = subjectOf(session);
    const { id, why } = session.route;
    this.#tell({ type: 'route', to: id, why: why.join('; ') });
    for (const type of MOVES) {
      session.addEventListener(type, (event) => {
        const { from, to, why, error } = (event as CustomEvent<RouteEventDetail>).detail;
        this.#summarize();
        this.#subject = subjectOf(session);
        this.#tell({ type, from, to, why, ...(error ? { code: error.code } : {}) });
      });
    }
  }

  observe({ ms, failure }: RunReport): void {
    if (failure) this.#tell({ type: 'error', code: failure.code, message: failure.message });
    if (ms === undefined) return;
    this.#times.push(ms);
    if (this.#times.length >= SUMMARY_RUNS) this.#summarize();
  }

  verdict(candidate: string, verdict: Verdict, { runs, errors }: Counts): void {
    this.#tell({ type: 'verdict', candidate, verdict, runs, errors });
  }

  shadow(candidate: string, report: ShadowReport, outputs: readonly ValueInfo[]): void {
    const { id, differences, failure, ...times } = report;
    this.#tell({
      type: 'shadow',
      candidate,
      ...(id === undefined ? {} : { candidateRoute: id }),
      ...times,
      ...(differences ? { differences: named(differences, outputs) } : {}),
      ...(failure ? { code: failure.code, message: failure.message } : {}),
    });
  }

  end(): void {
    this.#summarize();
    this.#session = undefined;
  }

  #summarize(): void {
    const times = this.#times;
    this.#times = [];
    if (times.length === 0) return;
    this.#tell({
      type: 'latency',
      runs: times.length,
      p50Ms: share(times, 0.5),
      p95Ms: share(times, 0.95),
    });
  }

  // What the hook throws or rejects with is its own affair.
  #tell(news: News): void {
    if (!this.#session || !this.#subject) return;
    const event = { ...this.#subject, ...news };
    new Promise((resolve) => resolve(this.#hook(event))).catch((thrown: unknown) =>
      (globalThis as { reportError?: (thrown: unknown) => void }).reportError?.(thrown),
    );
  }
}

const named = (differences: ReadonlyMap<number, Difference>, outputs: readonly ValueInfo[]) =>
  [...differences].map(([output, difference]) => ({
    output: outputs[output]!.name,
    ...difference,
  }));

function subjectOf({ manifest, route }: Session): TelemetrySubject {
  const { id, device, module, variant } = route;
  return {
    ...(manifest ? { model: manifest.name, version: manifest.version } : {}),
    ...(variant === undefined ? {} : { variant }),
    device,
    ...(module ? { module } : {}),
    route: id,
  };
}
