// Watches a session that runs a candidate version: counts its runs and errors, over reloads and tabs, and
// leaves it when it is over its budgets.
import { ERRORS, type ErrorCode } from '../worker/errors.generated.js';
import type { Failure } from '../worker/failure.js';
import type { Rollout } from '../manifest/parse.js';
import { type Counts, judge, type Verdict } from './rollout.js';
import type { RolloutRecord, RolloutStore } from './rollout_store.js';
import { ServiceTimes } from './service_times.js';
import type { RunReport, Serving } from './supervisor.js';
import { idOf, type Target } from './target.js';

export interface WatchParts {
  readonly rollout: Rollout;
  readonly store: Pick<RolloutStore, 'add'>;
  readonly key: string;
  // From earlier.
  readonly record: RolloutRecord;
}

export interface WatchHooks {
  // The stable version is to take over.
  leave(why: string): void;
  onVerdict(verdict: Verdict, counts: Counts): void;
}

const FLUSH_MS = 1000;

// What a machine lacks and the library's own files are no fault of a version.
const NO_FAULT = new Set<ErrorCode>(['DEVICE_UNAVAILABLE', 'ENGINE_START', 'ENGINE_VERSION']);
const isFault = (code: ErrorCode) => ERRORS[code][1] === 'route' && !NO_FAULT.has(code);
// One of these is enough.
const isFatal = (code: ErrorCode) =>
  code === 'SELFTEST_FAILED' || code === 'FILE_MISMATCH' || ERRORS[code][1] === 'model';

export class RolloutWatch {
  readonly #parts: WatchParts;
  readonly #times: ServiceTimes;
  #hooks: WatchHooks | undefined;
  #stored: Counts;
  #fresh: Counts = { runs: 0, errors: 0 };
  #verdict: Verdict;
  #route: string | undefined;
  // Whether the version serves.
  #serves = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: WatchParts) {
    const { rollout, record } = parts;
    this.#parts = parts;
    this.#stored = record;
    this.#verdict = judge(record, rollout);
    this.#times = new ServiceTimes(rollout.latencyBudgetMs ?? Infinity);
  }

  // `serves`: the version does, and not the stable one.
  begin(hooks: WatchHooks, serves: boolean): void {
    this.#hooks = hooks;
    this.#serves = serves;
  }

  get version(): string {
    return this.#parts.rollout.version;
  }

  get counts(): Counts {
    const [a, b] = [this.#stored, this.#fresh];
    return { runs: a.runs + b.runs, errors: a.errors + b.errors };
  }

  observe({ target, ms, failure }: RunReport): void {
    if (!target.release?.candidate || target.wasm !== undefined || this.#isOver) return;
    if (failure && !isFault(failure.code)) return;
    const { runs, errors } = this.#fresh;
    this.#fresh = { runs: runs + 1, errors: errors + (failure ? 1 : 0) };
    if (failure?.code === 'SELFTEST_FAILED') return this.#rollBack(failure.message);
    if (this.#judge()) return;
    if (ms !== undefined && this.#isSlow(target, ms)) {
      const { latencyBudgetMs } = this.#parts.rollout;
      return this.#rollBack(`95 % of its runs do not stay below ${latencyBudgetMs} ms`);
    }
    if (failure) void this.flush();
    else this.#flushSoon();
  }

  // No route of it started at load().
  async refused({ code, message, attempts = [] }: Failure): Promise<void> {
    const tried = attempts.length > 0 ? attempts : [{ code, message }];
    const errors = tried.filter((attempt) => isFault(attempt.code)).length;
    this.#fresh = { runs: errors, errors };
    const fatal = tried.find((attempt) => isFatal(attempt.code));
    if (fatal) this.#rollBack(fatal.message);
    else this.#judge();
    await this.flush();
  }

  // Another route serves. What a caller asked for, and the way back there, is no verdict on the version.
  arrived({ target, reason }: Pick<Serving, 'target' | 'reason'>): void {
    const left = this.#serves && !target.release?.candidate;
    this.#serves = target.release?.candidate === true;
    const failed = reason === 'failover' || reason === 'slow';
    if (left && failed && !this.#isOver) this.#rollBack('none of its routes went on');
  }

  // Stores what was counted.
  async flush(rolledBack?: string): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const counts = this.#fresh;
    this.#stored = this.counts;
    this.#fresh = { runs: 0, errors: 0 };
    const record = await this.#parts.store.add(this.#parts.key, counts, rolledBack);
    this.#stored = record;
    if (this.#isOver) return;
    if (record.rolledBack !== undefined) this.#leave(record.rolledBack);
    else this.#judge();
  }

  get #isOver(): boolean {
    return this.#verdict === 'rolled back';
  }

  // Whether it was rolled back.
  #judge(): boolean {
    const { counts } = this;
    const verdict = judge(counts, this.#parts.rollout);
    if (verdict === 'rolled back') {
      this.#rollBack(`${counts.errors} of ${counts.runs} runs failed`);
      return true;
    }
    if (verdict !== this.#verdict) {
      this.#verdict = verdict;
      this.#hooks?.onVerdict(verdict, counts);
    }
    return false;
  }

  #isSlow(target: Target, ms: number): boolean {
    const id = idOf(target);
    if (id !== this.#route) this.#times.reset();
    this.#route = id;
    return this.#times.add(ms)?.over ?? false;
  }

  #rollBack(reason: string): void {
    const why = `version ${this.#parts.rollout.version} was rolled back: ${reason}`;
    this.#leave(why);
    void this.flush(why);
  }

  #leave(why: string): void {
    this.#verdict = 'rolled back';
    this.#hooks?.onVerdict(this.#verdict, this.counts);
    this.#hooks?.leave(why);
  }

  #flushSoon(): void {
    this.#timer ??= setTimeout(() => void this.flush(), FLUSH_MS);
    // A Node process does not stay for it.
    (this.#timer as { unref?: () => void }).unref?.();
  }
}
