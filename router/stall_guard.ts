// Aborts a load whose download has stopped, or the caller has.
import { Failure } from '../worker/failure.js';

export class StallGuard {
  readonly #stop = new AbortController();
  readonly #ms: number;
  readonly #caller: AbortSignal | undefined;
  readonly #abort = () => this.#stop.abort(this.#caller?.reason);
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(caller: AbortSignal | undefined, ms: number) {
    this.#caller = caller;
    this.#ms = ms;
    caller?.addEventListener('abort', this.#abort);
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  // Bytes are waited for, from now on.
  arm(): void {
    this.disarm();
    const stalled = new Failure('NETWORK_FAILED', `no byte came in ${this.#ms / 1000} s`);
    this.#timer = setTimeout(() => this.#stop.abort(stalled), this.#ms);
  }

  disarm(): void {
    clearTimeout(this.#timer);
  }

  end(): void {
    this.disarm();
    this.#caller?.removeEventListener('abort', this.#abort);
  }
}
