// One run on its way through the queue.
import type { WireTensor } from '../worker/protocol.js';
import type { Feed, Route } from '../router/route.js';
import type { Supervisor } from '../router/supervisor.js';
import { SardonyxError, toSardonyxError } from './errors.js';
import type { Job } from './queue.js';

export class RunJob implements Job<readonly WireTensor[]> {
  readonly #supervisor: Supervisor;
  readonly #outputs: readonly number[];
  // The route whose memory some of the feeds lie in.
  readonly #bound: Route;
  #feeds: readonly Feed[];
  #running: Route | undefined;
  #cancelled = false;

  constructor(supervisor: Supervisor, feeds: readonly Feed[], outputs: readonly number[]) {
    this.#supervisor = supervisor;
    this.#bound = supervisor.route;
    this.#feeds = feeds;
    this.#outputs = outputs;
  }

  execute(): Promise<readonly WireTensor[]> {
    const { route } = this.#supervisor;
    // Without waiting where possible, so that the feeds need no copy of their own.
    return (
      route.closed ? this.#supervisor.acquire().then((fresh) => this.#run(fresh)) : this.#run(route)
    ).catch((thrown: unknown) => {
      throw toSardonyxError(thrown);
    });
  }

  cancel(): void {
    this.#cancelled = true;
    this.#running?.cancel();
  }

  // Copies what the caller may change from now on, unless the engine has it already.
  keepFeeds(): void {
    if (this.#running) return;
    this.#feeds = this.#feeds.map((feed) => {
      if ('pointer' in feed.data || feed.owned) return feed;
      return { ...feed, data: feed.data.slice(), owned: true };
    });
  }

  async #run(route: Route): Promise<readonly WireTensor[]> {
    const stale = route !== this.#bound && this.#feeds.some(({ data }) => 'pointer' in data);
    if (stale) {
      throw new SardonyxError('TENSOR_STALE', 'a feed lay in the memory of an earlier worker');
    }
    if (this.#cancelled) return [];
    this.#running = route;
    const results = await route.run(this.#feeds, this.#outputs);
    this.#feeds = [];
    return results ?? [];
  }
}
