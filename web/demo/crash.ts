// Crashes an engine for real: its worker gets a message that its code does not survive.
let wanted = false;

/** Call before the first load: workers made from then on can be crashed. */
export function allowCrashes(): void {
  globalThis.Worker = class extends Worker {
    override postMessage(
      message: unknown,
      more: Transferable[] | StructuredSerializeOptions = [],
    ): void {
      if (wanted && (message as { type?: string }).type === 'run') {
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
