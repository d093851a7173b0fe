// How far a long piece of work is: a bar on a terminal, lines elsewhere.
import type { QuantizeProgress } from '../../quantize/index.js';

const WIDTH = 30;
/** Between lines that are no terminal's, in ms. */
const EVERY = 2000;

export interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export class ProgressLine {
  #last = performance.now();
  #drawn = false;

  constructor(readonly stream: Terminal) {}

  show({ phase, done, total, node }: QuantizeProgress): void {
    const text = `${phase} ${Math.floor(done)} of ${total}  ${node ?? ''}`.trimEnd();
    if (this.stream.isTTY) {
      const filled = Math.round((WIDTH * done) / Math.max(1, total));
      const bar = '█'.repeat(filled).padEnd(WIDTH, '░');
      this.#write(`\r\x1b[K${bar} ${text}`.slice(0, this.stream.columns));
    } else if (performance.now() - this.#last > EVERY) {
      this.#last = performance.now();
      this.stream.write(`${text}\n`);
    }
  }

  #write(text: string): void {
    this.#drawn = true;
    this.stream.write(text);
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#drawn) this.stream.write('\r\x1b[K');
    this.#drawn = false;
  }
}
