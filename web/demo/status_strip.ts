import type { Session } from '../index';
import { Latency, formatMs } from './latency';
import { formatBytes } from './model_report';

interface Entry {
  readonly name: string;
  readonly latency: Latency;
}

/** The line of facts at the top, about the session that was used last. */
export class StatusStrip {
  readonly #known = new WeakMap<Session, Entry>();
  readonly #fields = new Map<string, HTMLElement>();

  constructor(strip: HTMLElement) {
    for (const field of strip.querySelectorAll<HTMLElement>('[data-status]')) {
      this.#fields.set(field.dataset.status ?? '', field);
    }
  }

  /** Shows a session under a name, its percentiles those of its own runs. */
  use(session: Session, name: string): void {
    if (this.#known.has(session)) return;
    this.#known.set(session, { name, latency: new Latency() });
    this.#show(session);
    for (const event of ['degrade', 'recover']) {
      session.addEventListener(event, () => this.#show(session));
    }
  }

  addRun(session: Session, ms: number): void {
    this.#known.get(session)?.latency.add(ms);
    this.#show(session);
  }

  showUnavailable(): void {
    this.#set('device', 'none');
  }

  showOffline(text: string): void {
    this.#set('offline', text);
  }

  showStored(bytes: number | undefined): void {
    this.#set('stored', bytes === undefined ? 'none' : formatBytes(bytes));
  }

  #show(session: Session): void {
    const entry = this.#known.get(session);
    if (!entry) return;
    const { device, module, threads, variant, precision } = session.route;
    this.#set('model', entry.name);
    this.#set('device', device === 'webgpu' ? 'WebGPU' : 'CPU');
    this.#set('variant', variant ?? '–');
    this.#set('precision', precision ?? '–');
    this.#set('module', module === 'relaxed' ? 'relaxed' : 'SIMD');
    this.#set('threads', String(threads));
    this.#set('p50', formatMs(entry.latency.percentile(50)));
    this.#set('p95', formatMs(entry.latency.percentile(95)));
  }

  #set(name: string, text: string): void {
    const field = this.#fields.get(name);
    if (field && field.textContent !== text) field.textContent = text;
  }
}
