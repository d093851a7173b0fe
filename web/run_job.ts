// One run on its way through the queue, to the route that serves when its turn comes. It is repeated on
// the next one when that route is lost.
import {
  byteLength,
  dtypeInfo,
  elementCount,
  type TypedArray,
  type TypedArrayConstructor,
} from '../worker/dtypes.js';
import { asFailure, type Attempt } from '../worker/failure.js';
import type { WireTensor } from '../worker/protocol.js';
import type { Feed, Route } from '../router/route.js';
import type { Shadow } from '../router/shadow.js';
import type { Supervisor } from '../router/supervisor.js';
import { SardonyxError, toSardonyxError } from './errors.js';
import type { Job } from './queue.js';

const MAX_ATTEMPTS = 3;

export type ShadowPort = Pick<Shadow, 'wants' | 'repeat'>;

export class RunJob implements Job<readonly WireTensor[]> {
  readonly #supervisor: Supervisor;
  readonly #outputs: readonly number[];
  // The route whose memory some of the feeds lie in.
  readonly #bound: Route;
  readonly #attempts: Attempt[] = [];
  readonly #shadow: ShadowPort | undefined;
  #feeds: readonly Feed[];
  #running: Route | undefined;
  #cancelled = false;

  constructor(
    supervisor: Supervisor,
    feeds: readonly Feed[],
    outputs: readonly number[],
    shadow?: ShadowPort,
  ) {
    this.#supervisor = supervisor;
    this.#bound = supervisor.serving.route;
    this.#feeds = feeds;
    this.#outputs = outputs;
    this.#shadow = shadow;
  }

  async execute(): Promise<readonly WireTensor[]> {
    try {
      for (let attempt = 1; ; attempt++) {
        // Without waiting where possible, so that the feeds are read before submit() returns.
        const route = this.#supervisor.ready ?? (await this.#supervisor.acquire());
        const results = await this.#attempt(route, attempt);
        if (results) return results;
      }
    } catch (thrown) {
      throw this.#explained(toSardonyxError(thrown));
    } finally {
      this.#feeds = [];
    }
  }

  cancel(): void {
    this.#cancelled = true;
    this.#running?.cancel();
  }

  // Makes the feeds the job's own: what the caller may change from now on is copied, unless the engine has a copy in
  // memory that outlives it, and what was given away is taken.
  keepFeeds(): void {
    const taken = new Map<ArrayBufferLike, ArrayBuffer>();
    // A shadow reads the feeds when the engine may have others already.
    const running = this.#shadow ? undefined : this.#running;
    this.#feeds = this.#feeds.map((feed) => {
      const { data, owned, input } = feed;
      if ('pointer' in data) return feed;
      if (owned) return { ...feed, data: take(data, taken) };
      const fed = running?.fed(input);
      return { ...feed, data: fed ? viewLike(data, fed) : data.slice() };
    });
  }

  // Undefined when the run is to be repeated; nothing when the caller does not wait any more.
  async #attempt(route: Route, attempt: number): Promise<readonly WireTensor[] | undefined> {
    if (this.#isCancelled()) return [];
    const feeds = this.#feeds.map((feed) => this.#fit(feed, route));
    const { id } = this.#supervisor;
    this.#running = route;
    const began = performance.now();
    try {
      const results = await this.#supervisor.run(route, feeds, this.#outputs);
      if (results && !this.#isCancelled()) this.#repeat(results, performance.now() - began);
      // Undefined when cancelled, by the caller or by a swap that did not wait for it.
      return this.#isCancelled() ? (results ?? []) : results;
    } catch (thrown) {
      const failure = asFailure(thrown);
      const { code, message } = failure;
      this.#attempts.push({ route: id, code, message });
      const again = this.#supervisor.failed(route, failure);
      const spent = attempt >= MAX_ATTEMPTS && !this.#supervisor.retreating;
      if (!again || spent || this.#isCancelled()) throw failure;
      return undefined;
    } finally {
      this.#running = undefined;
    }
  }

  // It changes while a route is waited for.
  #isCancelled(): boolean {
    return this.#cancelled;
  }

  // What lies in the memory of an earlier route is copied out of it.
  #fit(feed: Feed, route: Route): Feed {
    if (!('pointer' in feed.data)) return { ...feed, owned: false };
    return route === this.#bound ? feed : copyOut(feed);
  }

  // The caller may change its results, and feeds in the memory of a route, as soon as it has the answer. Other feeds
  // are this job's own, which needs them no more.
  #repeat(results: readonly WireTensor[], ms: number): void {
    if (!this.#shadow?.wants()) return;
    this.#shadow.repeat({
      feeds: this.#feeds.map((feed) => ({ ...copyOut(feed), owned: true })),
      outputs: this.#outputs,
      results: results.map((result) => ({ ...result, data: result.data.slice() })),
      ms,
    });
  }

  #explained(error: SardonyxError): SardonyxError {
    if (this.#attempts.length < 2 || error.attempts) return error;
    return new SardonyxError(error.code, error.message, error.where, this.#attempts);
  }
}

// In memory of its own.
export function copyOut(feed: Feed): Feed {
  const { data, type, shape } = feed;
  if (!('pointer' in data)) return feed;
  const info = dtypeInfo(type);
  const { buffer } = data.view.slice(0, byteLength(info, elementCount(shape)));
  return { ...feed, data: new info.array(buffer), owned: true };
}

// The elements of `data` in other memory.
function viewLike(data: TypedArray, { buffer, byteOffset }: Uint8Array): TypedArray {
  return new (data.constructor as TypedArrayConstructor)(buffer, byteOffset, data.length);
}

function take(data: TypedArray, taken: Map<ArrayBufferLike, ArrayBuffer>): TypedArray {
  const { buffer, byteOffset, length } = data;
  try {
    const transfer = [buffer as ArrayBuffer];
    const own = taken.get(buffer) ?? structuredClone(buffer as ArrayBuffer, { transfer });
    taken.set(buffer, own);
    return new (data.constructor as TypedArrayConstructor)(own, byteOffset, length);
  } catch {
    // Shared memory and that of a wasm module can not be taken away.
    return data.slice();
  }
}
