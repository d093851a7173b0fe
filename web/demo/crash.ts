// Crashes an engine for real: its worker gets a message that its code does not survive.
interface Sent {
  readonly type?: string;
  readonly source?: object;
}

let wanted = false;

/** Call before the first load: workers made from then on can be crashed, if their model has a manifest. */
export function allowCrashes(): void {
  globalThis.Worker = class extends Worker {
    #hasManifest = false;

    override postMessage(
      message: unknown,
      more: Transferable[] | StructuredSerializeOptions = [],
    ): void {
      const { type, source = {} } = message as Sent;
      if (type === 'load') this.#hasManifest = 'file' in source;
      // The library's own measurements are left alone.
      if (wanted && type === 'run' && this.#hasManifest) {
        wanted = false;
        super.postMessage(null);
      }
      super.postMessage(message, Array.isArray(more) ? { transfer: more } : more);
    }
  };
}

/** The worker that gets the next run crashes before it. */
export function crashNextRun(): void {
  wanted = true;
}
