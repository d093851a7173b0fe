// Repeats runs of the stable version on the candidate, in a worker of its own, after their callers have the
// answers. It is never waited for, and what goes wrong in it is only reported.
import { ERRORS } from '../worker/errors.generated.js';
import { asFailure, type Failure } from '../worker/failure.js';
import { type PackedTensor, unpackBox } from '../worker/packed.js';
import type { ModelDescription, WireTensor } from '../worker/protocol.js';
import { type Difference, differenceOf, toNumbers } from './numbers.js';
import type { RolloutWatch } from './rollout_watch.js';
import type { Feed, Route } from './route.js';
import { idOf, type LocalTarget } from './target.js';
import { isHidden } from './page_view.js';

export interface AnsweredRun {
  // Copies that nobody else has, as are the results.
  readonly feeds: readonly Feed[];
  readonly outputs: readonly number[];
  readonly results: readonly WireTensor[];
  readonly ms: number;
}

export interface ShadowRoute {
  readonly target: LocalTarget;
  readonly route: Route;
  // Gives its threads back.
  release(): void;
}

export interface ShadowReport {
  // Of runs that were not repeated since the last report, because the candidate was behind.
  readonly dropped: number;
  readonly stableMs: number;
  // Undefined where no route of the candidate started.
  readonly id?: string;
  readonly candidateMs?: number;
  // By the index of the output.
  readonly differences?: ReadonlyMap<number, Difference>;
  readonly failure?: Failure;
  // Nothing is repeated any more.
  readonly stopped: boolean;
}

export interface ShadowParts {
  // Of the runs to repeat, above 0 to 1.
  readonly share: number;
  readonly watch: Pick<RolloutWatch, 'observe' | 'refused'>;
  start(signal: AbortSignal): Promise<ShadowRoute>;
  // Whether the stable version serves.
  readonly isStable: () => boolean;
  report(report: ShadowReport): void;
  readonly random?: () => number;
}

// Runs that may wait for the candidate.
const QUEUE_LIMIT = 2;
const MAX_ERRORS = 3;

export class Shadow {
  readonly #parts: ShadowParts;
  readonly #stop = new AbortController();
  #waiting: AnsweredRun[] = [];
  #working = false;
  #served: ShadowRoute | undefined;
  #dropped = 0;
  #errors = 0;

  constructor(parts: ShadowParts) {
    this.#parts = parts;
  }

  // Whether a run that has its answer is to be repeated.
  wants(): boolean {
    const { share, isStable, random = Math.random } = this.#parts;
    if (this.#stopped || isHidden() || !isStable() || random() >= share) return false;
    const room = this.#waiting.length < QUEUE_LIMIT;
    if (!room) this.#dropped++;
    return room;
  }

  repeat(run: AnsweredRun): void {
    this.#waiting.push(run);
    if (this.#working) return;
    this.#working = true;
    // After the caller has its answer.
    setTimeout(() => void this.#work());
  }

  async end(): Promise<void> {
    this.#stop.abort();
    this.#waiting = [];
    await this.#leave();
  }

  get #stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  async #work(): Promise<void> {
    for (let run = this.#waiting.shift(); run; run = this.#waiting.shift()) await this.#repeat(run);
    this.#working = false;
  }

  async #repeat(run: AnsweredRun): Promise<void> {
    try {
      if (this.#served?.route.closed) await this.#leave();
      this.#served ??= await this.#start();
    } catch (thrown) {
      if (this.#stopped) return;
      const failure = asFailure(thrown);
      this.#stop.abort();
      this.#report(run, undefined, { failure });
      await this.#parts.watch.refused(failure);
      return;
    }
    const { target, route } = this.#served;
    const began = performance.now();
    try {
      const results = await route.run(run.feeds, run.outputs);
      if (!results || this.#stopped) return;
      const candidateMs = performance.now() - began;
      // Its time is not judged: it has the cores that the stable version leaves.
      this.#parts.watch.observe({ target });
      this.#report(run, target, {
        candidateMs,
        differences: compare(route.model, results, run.results),
      });
    } catch (thrown) {
      if (!this.#stopped) await this.#failed(run, asFailure(thrown), this.#served);
    }
  }

  async #start(): Promise<ShadowRoute> {
    const { signal } = this.#stop;
    const served = await this.#parts.start(signal);
    if (!signal.aborted) return served;
    await served.route.dispose();
    served.release();
    throw signal.reason;
  }

  async #failed(run: AnsweredRun, failure: Failure, { target, route }: ShadowRoute): Promise<void> {
    const isFault = ERRORS[failure.code][1] === 'route' && !isHidden();
    if (isFault) {
      this.#errors++;
      this.#parts.watch.observe({ target, failure });
    }
    if (this.#errors >= MAX_ERRORS) this.#stop.abort();
    this.#report(run, target, { failure });
    if (route.closed || this.#stopped) await this.#leave();
  }

  async #leave(): Promise<void> {
    const served = this.#served;
    this.#served = undefined;
    await served?.route.dispose();
    served?.release();
  }

  #report(
    { ms: stableMs }: AnsweredRun,
    target: LocalTarget | undefined,
    what: Pick<ShadowReport, 'candidateMs' | 'differences' | 'failure'>,
  ): void {
    const dropped = this.#dropped;
    this.#dropped = 0;
    const id = target && { id: idOf(target) };
    this.#parts.report({ ...what, ...id, dropped, stableMs, stopped: this.#stopped });
  }
}

const SAME: Difference = { maxAbs: 0, maxRel: 0 };
const OTHER: Difference = { maxAbs: Infinity, maxRel: Infinity };

// By the index of the output.
function compare(
  { outputs }: ModelDescription,
  results: readonly WireTensor[],
  expected: readonly WireTensor[],
): Map<number, Difference> {
  return new Map(
    expected.map((wanted) => {
      const { output } = wanted;
      const found = results.find((result) => result.output === output);
      if (!found) return [output, OTHER];
      const packed = outputs[output]!.kind !== 'tensor';
      return [output, compareAll(tensorsOf(found, packed), tensorsOf(wanted, packed))];
    }),
  );
}

// Of a sequence or an optional; null when nothing is in it.
const tensorsOf = (value: WireTensor, packed: boolean): readonly PackedTensor[] | null =>
  packed ? unpackBox(value.data as Uint8Array) : [value];

function compareAll(
  found: readonly PackedTensor[] | null,
  wanted: readonly PackedTensor[] | null,
): Difference {
  if (found?.length !== wanted?.length) return OTHER;
  const all = (wanted ?? []).map((tensor, i) => compareTensors(found![i]!, tensor));
  return all.reduce(
    (a, b) => ({ maxAbs: Math.max(a.maxAbs, b.maxAbs), maxRel: Math.max(a.maxRel, b.maxRel) }),
    SAME,
  );
}

// Infinity where type or shape are others, or strings.
function compareTensors(found: PackedTensor, { type, shape, data }: PackedTensor): Difference {
  if (found.type !== type || String(found.shape) !== String(shape)) return OTHER;
  if (type === 'string') return String(found.data) === String(data) ? SAME : OTHER;
  return differenceOf(toNumbers(type, found.data), toNumbers(type, data));
}
