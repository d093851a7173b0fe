// Faults of an engine's worker, for real: a message that its code does not survive, or answers that come late.
interface Sent {
  readonly type?: string;
  readonly source?: object;
}

/** By how much each run of a slow worker is later. */
const SLOW_MS = 80;

let fault: 'crash' | 'slow' | undefined;

/** Call before the first load: workers made from then on can have faults, if their model has a manifest. */
export function allowFaults(): void {
  globalThis.Worker = class extends Worker {
    #hasManifest = false;
    #slow = false;

    override postMessage(
      message: unknown,
      more: Transferable[] | StructuredSerializeOptions = [],
    ): void {
      const { type, source = {} } = message as Sent;
      const options = Array.isArray(more) ? { transfer: more } : more;
      if (type === 'load') this.#hasManifest = 'file' in source;
      // Without a lane all runs pass here.
      if (type === 'start' && this.#hasManifest) (message as { lane: unknown }).lane = null;
      // The library's own measurements are left alone.
      if (type === 'run' && this.#hasManifest) {
        if (fault === 'crash') super.postMessage(null);
        this.#slow ||= fault === 'slow';
        fault = undefined;
      }
      if (type !== 'run' || !this.#slow) return super.postMessage(message, options);
      setTimeout(() => super.postMessage(message, options), SLOW_MS);
    }
  };
}

/** The worker that gets the next run crashes before it. */
export function crashNextRun(): void {
  fault = 'crash';
}

/** The worker that gets the next run is slow from then on. */
export function slowFromNextRun(): void {
  fault = 'slow';
}
