// Many models under one memory budget.
import { type Resident, victims } from '../router/eviction.js';
import { orAborted } from '../router/or_aborted.js';
import { SardonyxError, toSardonyxError } from './errors.js';
import type { LoadOptions } from './load.js';
import { opener } from './opener.js';
import { RoutedModel } from './routed_model.js';
import type { Session } from './session.js';
import type { Source } from './source.js';

export interface RouterOptions {
  /** Bytes that the engines of all models together may have, as session.memoryBytes has them. */
  memoryBudget: number;
  /** Models that may be loaded at the same time, each in a worker; default as many as fit. */
  maxWorkers?: number;
}

export interface RouterLoadOptions extends LoadOptions {
  /** Of those that nobody uses, the models of the lowest priority are unloaded first; default 0. */
  priority?: number;
}

/** The detail of the events `load`, `unload` and `evict`. */
export interface RouterEventDetail {
  readonly name: string;
  /** Of this model's engine; gone after `unload` and `evict`. */
  readonly memoryBytes: number;
}

/** A model while it is loaded. */
interface Tenancy {
  readonly session: Session;
  // Runs that have begun, and wait in the session or are under way.
  uses: number;
  // Runs that come from now on wait for the next one.
  leaving: boolean;
  idle: (() => void) | undefined;
}

interface Entry {
  readonly name: string;
  readonly priority: number;
  readonly open: (signal: AbortSignal) => Promise<Session>;
  readonly gone: AbortController;
  model: RoutedModel | undefined;
  tenancy: Tenancy | undefined;
  // Runs that wait for their turn to use it.
  waiting: number;
  lastUsed: number;
  // What it had when it was loaded last.
  bytes: number;
}

const forwarded = ['route', 'degrade', 'recover', 'swap', 'rollback'] as const;

/**
 * Serves many models with a memory budget. Models that nobody uses are unloaded when another one needs their
 * room, the least recently used one first, and come back at their next run. Events: `load`, `unload` after
 * unload(), `evict` when a model made room; their detail is a RouterEventDetail.
 */
export class Router extends EventTarget {
  readonly #memoryBudget: number;
  readonly #maxWorkers: number;
  readonly #entries = new Map<string, Entry>();
  // Loads and evictions are done one after the other.
  #turns: Promise<unknown> = Promise.resolve();
  #clock = 0;
  #trimming = false;
  #disposed: Promise<void> | undefined;

  constructor({ memoryBudget, maxWorkers = Infinity }: RouterOptions) {
    super();
    if (!(memoryBudget > 0)) throw invalid('memoryBudget', 'must be a number of bytes above 0');
    if (!(maxWorkers >= 1)) throw invalid('maxWorkers', 'must be a number from 1');
    this.#memoryBudget = memoryBudget;
    this.#maxWorkers = maxWorkers;
  }

  /** Bytes of all models that are loaded. */
  get memoryBytes(): number {
    return this.#residents().reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** As load(). MEMORY_BUDGET when the model alone is above the budget. */
  async load(
    name: string,
    source: Source,
    { priority = 0, ...options }: RouterLoadOptions = {},
  ): Promise<RoutedModel> {
    const { signal } = options;
    try {
      signal?.throwIfAborted();
      this.#checkOpen();
      if (this.#entries.has(name)) throw invalid('name', `is used already: ${name}`);
      if (!Number.isFinite(priority)) throw invalid('priority', 'must be a number');
      const entry: Entry = {
        name,
        priority,
        open: opener(source, options),
        gone: new AbortController(),
        model: undefined,
        tenancy: undefined,
        waiting: 0,
        lastUsed: 0,
        bytes: 0,
      };
      this.#entries.set(name, entry);
      return await this.#first(entry, signal);
    } catch (thrown) {
      if (signal?.aborted && thrown === signal.reason) throw thrown;
      throw toSardonyxError(thrown);
    }
  }

  /** Ends a model for good: what waits for it rejects with SESSION_DISPOSED. */
  async unload(name: string): Promise<void> {
    this.#checkOpen();
    const entry = this.#entries.get(name);
    if (!entry) throw invalid('name', `is that of no model: ${name}`);
    await this.#end(entry);
  }

  /** Unloads all models. */
  dispose(): Promise<void> {
    this.#disposed ??= Promise.all(
      [...this.#entries.values()].map((entry) => this.#end(entry)),
    ).then(async () => {
      await this.#turns;
    });
    return this.#disposed;
  }

  async #first(entry: Entry, signal: AbortSignal | undefined): Promise<RoutedModel> {
    const abort = () => entry.gone.abort(signal?.reason);
    signal?.addEventListener('abort', abort);
    try {
      const { session } = await this.#inTurn(() => this.#bring(entry));
      entry.model = new RoutedModel({
        name: entry.name,
        priority: entry.priority,
        first: session,
        isUnloaded: () => entry.gone.signal.aborted,
        session: () => entry.tenancy?.session,
        use: (work, signal) => this.#use(entry, work, signal),
        isAtHand: () => this.#atHand(entry) !== undefined,
      });
      return entry.model;
    } catch (thrown) {
      if (this.#entries.get(entry.name) === entry) this.#entries.delete(entry.name);
      throw thrown;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  async #end(entry: Entry): Promise<void> {
    const { tenancy } = entry;
    this.#entries.delete(entry.name);
    entry.gone.abort(new SardonyxError('SESSION_DISPOSED', `the model ${entry.name} was unloaded`));
    if (!tenancy) return;
    entry.tenancy = undefined;
    tenancy.leaving = true;
    const { memoryBytes } = tenancy.session;
    await tenancy.session.dispose();
    this.#tell('unload', { name: entry.name, memoryBytes });
  }

  // The session, when a run may go there at once without overtaking others.
  #atHand({ tenancy, waiting }: Entry): Tenancy | undefined {
    return tenancy && !tenancy.leaving && waiting === 0 ? tenancy : undefined;
  }

  #use<T>(entry: Entry, work: (session: Session) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const tenancy = this.#atHand(entry);
    return tenancy ? this.#begin(entry, tenancy, work) : this.#beginInTurn(entry, work, signal);
  }

  async #begin<T>(
    entry: Entry,
    tenancy: Tenancy,
    work: (session: Session) => Promise<T>,
  ): Promise<T> {
    tenancy.uses++;
    entry.lastUsed = ++this.#clock;
    try {
      return await work(tenancy.session);
    } finally {
      entry.lastUsed = ++this.#clock;
      if (--tenancy.uses === 0) tenancy.idle?.();
      this.#trim();
    }
  }

  async #beginInTurn<T>(
    entry: Entry,
    work: (session: Session) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    entry.waiting++;
    const turn = this.#inTurn(async () => {
      try {
        signal?.throwIfAborted();
        const tenancy = entry.tenancy ?? (await this.#bring(entry));
        signal?.throwIfAborted();
        const begun = this.#begin(entry, tenancy, work);
        // The caller may have gone.
        begun.catch(() => undefined);
        return { begun };
      } finally {
        entry.waiting--;
      }
    });
    const { begun } = await orAborted(orAborted(turn, entry.gone.signal), signal);
    return begun;
  }

  // In turn only.
  async #bring(entry: Entry): Promise<Tenancy> {
    const gone = entry.gone.signal;
    const budget = this.#memoryBudget;
    gone.throwIfAborted();
    await this.#makeRoom(entry, Math.min(entry.bytes, budget));
    const session = await entry.open(gone);
    const { memoryBytes } = session;
    if (gone.aborted || memoryBytes > budget) {
      await session.dispose();
      gone.throwIfAborted();
      const message = `the model ${entry.name} takes ${memoryBytes} bytes, the budget is ${budget}`;
      throw new SardonyxError('MEMORY_BUDGET', message, { field: 'memoryBudget' });
    }
    const tenancy: Tenancy = { session, uses: 0, leaving: false, idle: undefined };
    entry.tenancy = tenancy;
    entry.bytes = memoryBytes;
    entry.lastUsed = ++this.#clock;
    for (const event of forwarded) {
      session.addEventListener(event, (happened) => {
        const { detail } = happened as CustomEvent<unknown>;
        entry.model?.dispatchEvent(new CustomEvent(event, { detail }));
      });
    }
    await this.#makeRoom(entry, memoryBytes);
    gone.throwIfAborted();
    this.#tell('load', { name: entry.name, memoryBytes });
    return tenancy;
  }

  // Unloads others until `bytes` for `entry` fit beside the rest. In turn only.
  async #makeRoom(entry: Entry, bytes: number): Promise<void> {
    const others = this.#residents().filter(({ name }) => name !== entry.name);
    for (const name of this.#victims(others, bytes, 1)) await this.#evict(name);
  }

  // Runs may take memory for shapes that are new. What is in use then stays until it is idle.
  #trim(): void {
    if (this.#trimming || this.memoryBytes <= this.#memoryBudget) return;
    this.#trimming = true;
    void this.#inTurn(async () => {
      this.#trimming = false;
      const residents = this.#residents();
      const idle = new Set(residents.filter(({ busy }) => !busy).map(({ name }) => name));
      // The one used last stays: it would come back and be as large.
      const names = this.#victims(residents, 0, 0).slice(0, residents.length - 1);
      for (const name of names.filter((name) => idle.has(name))) await this.#evict(name);
    });
  }

  #victims(residents: readonly Resident[], bytes: number, workers: number): string[] {
    const [memoryBudget, maxWorkers] = [this.#memoryBudget, this.#maxWorkers];
    return victims(residents, { memoryBudget, maxWorkers, bytes, workers });
  }

  // Ends the runs that have begun, then unloads. In turn only.
  async #evict(name: string): Promise<void> {
    const entry = this.#entries.get(name);
    const tenancy = entry?.tenancy;
    if (!entry || !tenancy) return;
    tenancy.leaving = true;
    if (tenancy.uses > 0) await new Promise<void>((resolve) => (tenancy.idle = resolve));
    if (entry.tenancy !== tenancy) return;
    entry.tenancy = undefined;
    const { memoryBytes } = tenancy.session;
    await tenancy.session.dispose();
    this.#tell('evict', { name, memoryBytes });
  }

  #residents(): Resident[] {
    return [...this.#entries.values()].flatMap(({ name, priority, lastUsed, tenancy }) =>
      tenancy
        ? [
            {
              name,
              priority,
              lastUsed,
              bytes: tenancy.session.memoryBytes,
              busy: tenancy.uses > 0,
            },
          ]
        : [],
    );
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turns.then(work);
    this.#turns = turn.catch(() => undefined);
    return turn;
  }

  #tell(event: 'load' | 'unload' | 'evict', detail: RouterEventDetail): void {
    this.dispatchEvent(new CustomEvent(event, { detail }));
  }

  #checkOpen(): void {
    if (this.#disposed) throw new SardonyxError('SESSION_DISPOSED', 'the router was disposed');
  }
}

const invalid = (field: string, what: string) =>
  new SardonyxError('INVALID_ARGUMENT', `${field} ${what}`, { field });
