import type { Session } from '../index';
import { byId, element } from './page';

const shownEvents = 8;
const modules = { simd: 'SIMD', relaxed: 'relaxed SIMD' };

/** Eight digits tell hashes apart. */
const shorten = (text: string): string => text.replace(/\b([0-9a-f]{8})[0-9a-f]{56}\b/g, '$1…');

/** What a session runs on, why, and what happened to it. */
export class RouteView {
  readonly #why = byId('router-why', HTMLUListElement);
  readonly #events = byId('router-events', HTMLOListElement);

  showSession(session: Session | undefined): void {
    this.#set('state', session?.state ?? 'loading');
    if (!session) return;
    const { id, variant = '–', device, module = 'simd', threads, why } = session.route;
    this.#set('route', id);
    this.#set('variant', variant);
    this.#set('device', device === 'webgpu' ? 'WebGPU' : 'CPU');
    this.#set('module', `${modules[module]}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`);
    const reasons = why.map(shorten);
    const text = reasons.join('\n');
    if (this.#why.dataset.shown === text) return;
    this.#why.dataset.shown = text;
    this.#why.replaceChildren(...reasons.map((reason) => element('li', {}, reason)));
  }

  showAnswer(text: string): void {
    this.#set('answer', text);
  }

  showRuns(answered: number, failed: number): void {
    this.#set('runs', `${answered} answered, ${failed} failed`);
  }

  log(name: string, text: string, code?: string): void {
    const line = element('li', {}, element('b', {}, name), ` ${shorten(text)}`);
    if (code) line.append(' ', element('code', {}, code));
    this.#events.prepend(line);
    while (this.#events.children.length > shownEvents) this.#events.lastElementChild?.remove();
  }

  #set(name: string, text: string): void {
    const field = byId(`router-${name}`, HTMLElement);
    if (field.textContent !== text) field.textContent = text;
  }
}
