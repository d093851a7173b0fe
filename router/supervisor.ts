// Keeps one route running: when it is lost, the next call starts another one in its place.
import type { Route } from './route.js';

export class Supervisor {
  readonly #start: () => Promise<Route>;
  readonly #onRecover: () => void;
  #route: Route;
  #starting: Promise<Route> | undefined;
  #disposed = false;

  constructor(first: Route, start: () => Promise<Route>, onRecover: () => void) {
    this.#route = first;
    this.#start = start;
    this.#onRecover = onRecover;
  }

  // The newest route, closed or not.
  get route(): Route {
    return this.#route;
  }

  // A route that was alive when the promise settled.
  async acquire(): Promise<Route> {
    if (!this.#route.closed) return this.#route;
    this.#starting ??= this.#replace().finally(() => (this.#starting = undefined));
    return this.#starting;
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.#starting?.catch(() => undefined);
    await this.#route.dispose();
  }

  async #replace(): Promise<Route> {
    const route = await this.#start();
    this.#route = route;
    if (!this.#disposed) this.#onRecover();
    return route;
  }
}
