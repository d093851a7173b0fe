// Service times of one route: without the wait in the queue, without the runs that warm it up.
const WARM_UP_RUNS = 5;
const WINDOW_RUNS = 50;
const MIN_RUNS = 20;

export interface Window {
  // The median.
  readonly ms: number;
  // The 95th percentile was over the budget, in this window and in the one before. The 20 runs that are new
  // in a window must be over it too, so that one burst does not count twice.
  readonly over: boolean;
}

export class ServiceTimes {
  readonly #budgetMs: number;
  #seen = 0;
  #times: number[] = [];
  #wasOver = false;

  constructor(budgetMs: number) {
    this.#budgetMs = budgetMs;
  }

  // The route is another one.
  reset(): void {
    this.#seen = 0;
    this.#times = [];
    this.#wasOver = false;
  }

  // A window after every 20 runs, of the last 50.
  add(ms: number): Window | undefined {
    this.#seen++;
    if (this.#seen <= WARM_UP_RUNS) return undefined;
    this.#times = [...this.#times.slice(1 - WINDOW_RUNS), ms];
    if ((this.#seen - WARM_UP_RUNS) % MIN_RUNS !== 0) return undefined;
    const isOver =
      share(this.#times, 0.95) > this.#budgetMs &&
      share(this.#times.slice(-MIN_RUNS), 0.95) > this.#budgetMs;
    const over = isOver && this.#wasOver;
    this.#wasOver = isOver;
    return { ms: share(this.#times, 0.5), over };
  }
}

export function share(times: readonly number[], part: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.ceil(part * sorted.length) - 1]!;
}
