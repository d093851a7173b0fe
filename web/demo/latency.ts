/** Service times of the last runs, in milliseconds. */
export class Latency {
  readonly #times: number[] = [];

  constructor(readonly capacity = 50) {}

  add(ms: number): void {
    this.#times.push(ms);
    if (this.#times.length > this.capacity) this.#times.shift();
  }

  /** Nearest-rank percentile; undefined before the first run. */
  percentile(p: number): number | undefined {
    const sorted = [...this.#times].sort((a, b) => a - b);
    const rank = Math.max(1, Math.ceil((p / 100) * sorted.length));
    return sorted[rank - 1];
  }
}

export function formatMs(ms: number | undefined): string {
  if (ms === undefined) return '–';
  const digits = ms < 1 ? 2 : ms < 10 ? 1 : 0;
  return `${ms.toFixed(digits)} ms`;
}
