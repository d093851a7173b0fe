// Whether and how long the page's thread may wait for the answer to a run, awake: a message would take 35 to 85 µs
// longer. Only for engines that answer in less time than the page would notice.
import type { RunTime } from '../worker/protocol.js';

const MAX_EXPECTED_MS = 0.3;
const MAX_WAIT_MS = 0.4;
// Waking a worker that has gone to sleep takes 10 to 90 µs.
const SLACK_MS = 0.1;
// The clock's step on isolated pages.
const MIN_MS = 0.005;
// Waits one after the other leave the page's event loop a turn after this time.
const STREAK_MS = 8;
// Runs without a wait after one in vain; twice as many after each more of them.
const MAX_REST = 8;

let streakBegan: number | undefined;

// Of all sessions of the page.
function isStreakShort(): boolean {
  const now = performance.now();
  if (streakBegan !== undefined) return now - streakBegan < STREAK_MS;
  streakBegan = now;
  setTimeout(() => (streakBegan = undefined));
  return true;
}

export class Spin {
  readonly #cores: number;
  // The shortest of recent times of the engine.
  #expected = Infinity;
  // In the last run.
  #alone = false;
  #rest = 0;
  #nextRest = 1;

  constructor(cores: number) {
    this.#cores = cores;
  }

  // For the next run of an engine that has so many threads; 0: not at all. The page takes no core away from those that
  // are busy.
  allowance(threads: number): number {
    const busy = this.#alone ? 1 : threads;
    if (this.#cores <= busy || this.#expected > MAX_EXPECTED_MS) return 0;
    if (this.#rest > 0) {
      this.#rest--;
      return 0;
    }
    if (!isStreakShort()) return 0;
    return Math.min(1.5 * this.#expected + SLACK_MS, MAX_WAIT_MS);
  }

  // After a run that took the engine so long.
  took({ ms, alone }: RunTime): void {
    this.#alone = alone;
    this.#expected = Math.max(MIN_MS, Math.min(ms, 1.25 * this.#expected));
  }

  // After a wait.
  ended(inTime: boolean): void {
    if (inTime) {
      this.#nextRest = 1;
      return;
    }
    this.#rest = this.#nextRest;
    this.#nextRest = Math.min(2 * this.#nextRest, MAX_REST);
  }
}
