import type { Session } from '../index';
import { Latency, formatMs } from './latency';

/** The line of facts at the top: where the last session runs, and how fast the last runs were. */
export class StatusStrip {
  #latency = new Latency();
  #session: Session | undefined;
  readonly #fields = new Map<string, HTMLElement>();

  constructor(strip: HTMLElement) {
    for (const field of strip.querySelectorAll<HTMLElement>('[data-status]')) {
      this.#fields.set(field.dataset.status ?? '', field);
    }
    this.#set('isolated', globalThis.crossOriginIsolated ? 'yes' : 'no');
  }

  showRoute(session: Session): void {
    if (session !== this.#session) this.#latency = new Latency();
    this.#session = session;
    const { device, module, threads } = session.route;
    this.#set('device', device.toUpperCase());
    this.#set('module', module === 'relaxed' ? 'relaxed SIMD' : 'SIMD');
    this.#set('threads', String(threads));
  }

  showUnavailable(): void {
    this.#set('device', 'none');
  }

  /** A warm run; the percentiles are those of one session. */
  addRun(session: Session, ms: number): void {
    this.showRoute(session);
    this.#latency.add(ms);
    this.#set('p50', formatMs(this.#latency.percentile(50)));
    this.#set('p95', formatMs(this.#latency.percentile(95)));
  }

  #set(name: string, text: string): void {
    const field = this.#fields.get(name);
    if (field && field.textContent !== text) field.textContent = text;
  }
}
