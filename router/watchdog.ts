// Calls back when nothing was heard for a time. A page that was frozen hears the timer before the
// messages that came in the meantime, so silence counts only after a second, short wait.
const SECOND_LOOK_MS = 1000;

export class Watchdog {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ms = 0;
  #expired: (() => void) | undefined;

  watch(ms: number, expired: () => void): void {
    this.#ms = ms;
    this.#expired = expired;
    this.heard();
  }

  heard(): void {
    if (!this.#expired) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = setTimeout(
        () => {
          const expired = this.#expired;
          this.stop();
          expired?.();
        },
        Math.min(SECOND_LOOK_MS, this.#ms),
      );
    }, this.#ms);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#expired = undefined;
  }
}
