// Runs jobs one at a time and settles the promise of each exactly once.
import { SardonyxError } from './errors.js';

export interface Job<T> {
  // Called once, when it is the job's turn; synchronously from submit() when nothing else waits.
  execute(): Promise<T>;
  // The caller does not wait any more: end soon. Only between execute() and its settling.
  cancel(): void;
}

export interface QueueOptions {
  signal?: AbortSignal | undefined;
  // From submit() to the result.
  timeoutMs?: number | undefined;
  // Higher first; equal ones in order of submit().
  priority?: number | undefined;
  // Replaces the waiting jobs that have it too; they reject with RUN_SUPERSEDED.
  latest?: boolean | undefined;
}

// Timers overflow beyond this.
const MAX_TIMER_MS = 0x7fffffff;

interface Entry {
  readonly priority: number;
  readonly latest: boolean;
  execute(): Promise<void>;
  cancel(): void;
  reject(reason: unknown): void;
}

export class RunQueue {
  readonly #limit: number;
  #waiting: Entry[] = [];
  #current: Entry | undefined;
  #closed: unknown;

  // At most `limit` jobs wait; more are refused with QUEUE_FULL.
  constructor(limit: number) {
    this.#limit = limit;
  }

  submit<T>(job: Job<T>, options: QueueOptions = {}): Promise<T> {
    const { signal, timeoutMs, priority = 0, latest = false } = options;
    return new Promise<T>((resolve, reject) => {
      if (this.#closed !== undefined) return reject(this.#closed);
      signal?.throwIfAborted();
      if (latest) this.#supersede();
      if (this.#current && this.#waiting.length >= this.#limit) {
        throw new SardonyxError('QUEUE_FULL', `${this.#limit} runs wait already`);
      }
      let timer: ReturnType<typeof setTimeout> | undefined;
      let open = true;
      // True for the first caller only.
      const settle = () => {
        const first = open;
        open = false;
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        return first;
      };
      const entry: Entry = {
        priority,
        latest,
        execute: () =>
          job.execute().then(
            (value) => {
              if (settle()) resolve(value);
            },
            (reason: unknown) => {
              if (settle()) reject(reason);
            },
          ),
        cancel: () => job.cancel(),
        reject: (reason) => {
          if (settle()) reject(reason);
        },
      };
      const abort = () => this.#drop(entry, signal?.reason);
      signal?.addEventListener('abort', abort);
      if (timeoutMs !== undefined && timeoutMs <= MAX_TIMER_MS) {
        timer = setTimeout(() => {
          const message = `the run took longer than ${timeoutMs} ms`;
          this.#drop(entry, new SardonyxError('RUN_TIMEOUT', message));
        }, timeoutMs);
      }
      this.#enqueue(entry);
    });
  }

  // Rejects all that wait, and what is under way, with `reason`; later jobs too.
  close(reason: unknown): void {
    this.#closed = reason;
    for (const entry of this.#waiting.splice(0)) entry.reject(reason);
    if (this.#current) this.#drop(this.#current, reason);
  }

  #enqueue(entry: Entry): void {
    const after = this.#waiting.findIndex(({ priority }) => priority < entry.priority);
    this.#waiting.splice(after < 0 ? this.#waiting.length : after, 0, entry);
    this.#next();
  }

  #next(): void {
    if (this.#current) return;
    const entry = this.#waiting.shift();
    if (!entry) return;
    this.#current = entry;
    void entry.execute().then(() => {
      this.#current = undefined;
      this.#next();
    });
  }

  #drop(entry: Entry, reason: unknown): void {
    entry.reject(reason);
    if (entry === this.#current) entry.cancel();
    else this.#waiting = this.#waiting.filter((other) => other !== entry);
  }

  #supersede(): void {
    const old = this.#waiting.filter(({ latest }) => latest);
    this.#waiting = this.#waiting.filter(({ latest }) => !latest);
    for (const entry of old) {
      entry.reject(
        new SardonyxError('RUN_SUPERSEDED', 'a newer latest-wins run replaced this one'),
      );
    }
  }
}
