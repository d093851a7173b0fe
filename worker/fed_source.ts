// A file that the page fetches while its worker starts (router/hand_on.ts).
import { Failure } from './failure.js';
import type { FilePart } from './protocol.js';
import type { OpenSource } from './source.js';

export class FedSource {
  readonly #waiting: FilePart[] = [];
  #wake: () => void = () => undefined;

  receive(part: FilePart): void {
    this.#waiting.push(part);
    this.#wake();
  }

  // Once.
  async open(): Promise<OpenSource> {
    const { total, exact = false } = await this.#next();
    return { total, exact, start: 0, chunks: () => this.#chunks() };
  }

  async *#chunks() {
    for (;;) {
      const { bytes } = await this.#next();
      if (!bytes) return;
      yield bytes;
    }
  }

  async #next(): Promise<FilePart> {
    while (this.#waiting.length === 0) await new Promise<void>((wake) => (this.#wake = wake));
    const part = this.#waiting.shift()!;
    if (part.failure) throw Failure.from(part.failure);
    return part;
  }
}
