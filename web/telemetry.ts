// What LoadOptions.onTelemetry gets.
import type { ErrorCode } from '../worker/errors.generated.js';
import type { Counts, Verdict } from '../router/rollout.js';
import type { RouteDevice } from '../router/route.js';
import { share } from '../router/service_times.js';
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
    | ({ readonly type: 'verdict'; readonly verdict: Verdict } & Counts)
  );

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

  verdict(verdict: Verdict, { runs, errors }: Counts): void {
    this.#tell({ type: 'verdict', verdict, runs, errors });
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
