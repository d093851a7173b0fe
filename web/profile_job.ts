// Measuring the steps of a run, in its turn among the runs of the queue.
import { asFailure } from '../worker/failure.js';
import type { RunProfile } from '../worker/protocol.js';
import type { Feed, Route } from '../router/route.js';
import type { Supervisor } from '../router/supervisor.js';
import { toSardonyxError } from './errors.js';
import type { Job } from './queue.js';
import { copyOut } from './run_job.js';

export class ProfileJob implements Job<RunProfile | undefined> {
  readonly #supervisor: Supervisor;
  readonly #feeds: readonly Feed[];
  readonly #runs: number;
  #running: Route | undefined;
  #cancelled = false;

  // Copies the feeds.
  constructor(supervisor: Supervisor, feeds: readonly Feed[], runs: number) {
    this.#supervisor = supervisor;
    this.#feeds = feeds.map((feed) => {
      const { data } = feed;
      return 'pointer' in data
        ? { ...copyOut(feed), owned: false }
        : { ...feed, data: data.slice() };
    });
    this.#runs = runs;
  }

  // Undefined when cancelled. A profile that a swap did not wait for begins again on the new route.
  async execute(): Promise<RunProfile | undefined> {
    while (!this.#isCancelled()) {
      const route = this.#supervisor.ready ?? (await this.#acquire());
      const profile = await this.#attempt(route);
      if (profile) return profile;
    }
    return undefined;
  }

  cancel(): void {
    this.#cancelled = true;
    this.#running?.cancel();
  }

  async #acquire(): Promise<Route> {
    try {
      return await this.#supervisor.acquire();
    } catch (thrown) {
      throw toSardonyxError(thrown);
    }
  }

  async #attempt(route: Route): Promise<RunProfile | undefined> {
    this.#running = route;
    try {
      return await this.#supervisor.profile(route, this.#feeds, this.#runs);
    } catch (thrown) {
      const failure = asFailure(thrown);
      this.#supervisor.failed(route, failure);
      throw toSardonyxError(failure);
    } finally {
      this.#running = undefined;
    }
  }

  // It changes while a route is waited for.
  #isCancelled(): boolean {
    return this.#cancelled;
  }
}
