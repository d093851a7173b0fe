// The message loop of an engine worker: one engine, driven by a route on the page.
import type { Factory } from './abi.js';
import { byteLength, dtypeInfo, elementCount } from './dtypes.js';
import { asFailure, type Failure, isFatal } from './failure.js';
import { Engine } from './engine.js';
import { FedSource } from './fed_source.js';
import { Lane, type LaneRun } from './lane.js';
import {
  PROTOCOL_VERSION,
  type FromWorker,
  type ModelFile,
  type RunTime,
  type ToWorker,
  type ValueInfo,
  type WireTensor,
} from './protocol.js';
import { copyOf } from './result.js';
import { keepFile } from './storage/model_file.js';
import { poolEnded } from './threads.js';
import { turn } from './turn.js';

// During a long run the page hears this often that there is progress.
const ALIVE_MS = 250;
// Inputs of known size up to this one get a slot at load, so that the first allocate() finds one.
const OFFER_BYTES = 1 << 26;
// After a run that took no longer than this the worker looks for the next one in the lane,
const SHORT_MS = 4;
// for so long at a time: what else its event loop has to do waits,
const ATTEND_MS = 20;
// and awake for so long. Waking takes 10 to 90 µs.
const SPIN_MS = 0.1;
// After a run that came that soon it stays awake as long: an answer by message and the next run take 0.2 ms.
const SOON_MS = 0.5;

export type Post = (message: FromWorker, transfer?: Transferable[]) => void;

type Message<T extends ToWorker['type']> = Extract<ToWorker, { type: T }>;

export class Service {
  readonly #post: Post;
  readonly #factory: Factory;
  readonly #scriptUrl: string;
  readonly #engine: Promise<Engine>;
  #started!: (engine: Promise<Engine>) => void;
  readonly #fed = new FedSource();
  #lane: Lane | null = null;
  // Messages that have come, and of those, the ones that wait for their turn or have it.
  #received = 0;
  #pending = 0;
  #cancelled = 0;
  #memoryBytes = 0;
  #hasPool = false;
  #tail: Promise<void> = Promise.resolve();

  constructor(post: Post, factory: Factory, scriptUrl: string) {
    this.#post = post;
    this.#factory = factory;
    this.#scriptUrl = scriptUrl;
    this.#engine = new Promise((resolve) => (this.#started = resolve));
    this.#engine.catch(() => undefined);
    post({ type: 'hello', version: PROTOCOL_VERSION });
  }

  handle(message: ToWorker): void {
    this.#received++;
    switch (message.type) {
      case 'start':
        return this.#start(message);
      case 'part':
        return this.#fed.receive(message.part);
      case 'cancel':
        this.#cancelled = message.id;
        return;
      case 'keep':
        return void this.#keep(message.file);
      case 'stop':
        return this.#stop();
      default:
        // In order, one at a time.
        this.#pending++;
        this.#tail = this.#tail
          .then(() => this.#dispatch(message))
          .catch(this.dead)
          .finally(() => this.#pending--);
    }
  }

  // The engine can not go on.
  readonly dead = (thrown: unknown): void => {
    this.#post({ type: 'dead', failure: asFailure(thrown).toWire() });
  };

  #start({ module, threads, lane }: Message<'start'>): void {
    this.#lane = lane && new Lane(lane);
    this.#hasPool = threads > 1;
    const engine = Engine.start(
      { factory: this.#factory, module, threads, scriptUrl: this.#scriptUrl },
      {
        onThreads: (count) => this.#post({ type: 'threads', count }),
        onTrap: this.dead,
        onPlacement: (placement) => this.#post({ type: 'placement', placement }),
      },
    );
    this.#started(engine);
    engine.then(() => this.#post({ type: 'ready' }), this.dead);
  }

  #stop(): void {
    this.#cancelled = Infinity;
    const stopped = () => this.#post({ type: 'stopped' });
    this.#engine.then((engine) => this.#dispose(engine)).then(stopped, stopped);
  }

  async #dispose(engine: Engine): Promise<void> {
    engine.dispose();
    if (this.#hasPool) await poolEnded();
  }

  async #dispatch(
    message: Exclude<ToWorker, Message<'start' | 'part' | 'cancel' | 'keep' | 'stop'>>,
  ): Promise<void> {
    const engine = await this.#engine;
    switch (message.type) {
      case 'load':
        return this.#load(engine, message);
      case 'run':
        return this.#run(engine, message);
      case 'profile':
        return this.#profile(engine, message);
      case 'reserve': {
        this.#reserve(engine, message);
        return;
      }
      case 'free': {
        engine.free(message.pointer);
        return;
      }
      case 'explain':
        return this.#answer(message.id, () =>
          this.#post({ type: 'explained', id: message.id, plan: engine.explain() }),
        );
    }
  }

  async #load(engine: Engine, { source, extras, gpu }: Message<'load'>): Promise<void> {
    const { model, file } = await engine.load(
      'fed' in source ? { url: source.url, fed: this.#fed } : source,
      extras,
      (progress) => this.#post({ type: 'progress', progress }),
      gpu,
    );
    if (this.#lane) model.inputs.forEach((value, input) => this.#offer(engine, value, input));
    this.#tellMemory(engine);
    this.#post({ type: 'loaded', model, file });
  }

  // Memory that nobody writes to costs address space only.
  #offer(engine: Engine, { kind, type, shape }: ValueInfo, input: number): void {
    if (kind !== 'tensor' || type === 'string' || !shape) return;
    const sizes = shape.filter((dim) => typeof dim === 'number');
    const bytes = byteLength(dtypeInfo(type), elementCount(sizes));
    if (sizes.length < shape.length || bytes > OFFER_BYTES) return;
    this.#reserve(engine, { type: 'reserve', input, bytes });
  }

  async #run(engine: Engine, { id, feeds, outputs }: Message<'run'>): Promise<void> {
    const lane = this.#lane;
    const began = performance.now();
    const { sharedRanges } = engine;
    if (lane && !engine.waits) {
      this.#runNow(engine, lane, { id, feeds, outputs });
      if (performance.now() - began <= SHORT_MS) await this.#attend(engine, lane);
      return;
    }
    return this.#answer(id, async () => {
      const results = await engine.run(feeds, outputs, this.#hooks(id));
      this.#tellMemory(engine);
      if (!results) return this.#post({ type: 'cancelled', id });
      const ms = performance.now() - began;
      this.#done(id, results, { ms, alone: engine.sharedRanges === sharedRanges });
      engine.bindAhead();
    });
  }

  #runNow(engine: Engine, lane: Lane, { id, feeds, outputs }: LaneRun): void {
    const began = performance.now();
    const { sharedRanges } = engine;
    try {
      const done = engine.runNow(feeds, outputs, this.#hooks(id), (results) => {
        const { memoryBytes } = engine;
        const took = {
          ms: performance.now() - began,
          alone: engine.sharedRanges === sharedRanges,
        };
        if (lane.answer({ ...took, memoryBytes }, results)) {
          this.#memoryBytes = memoryBytes;
          return;
        }
        lane.release();
        this.#tellMemory(engine);
        this.#done(id, results.map(copyOf), took);
      });
      if (done) return engine.bindAhead();
      lane.release();
      this.#post({ type: 'cancelled', id });
    } catch (thrown) {
      lane.release();
      this.#failed(id, thrown);
    }
  }

  // Serves runs that come in the lane.
  async #attend(engine: Engine, lane: Lane): Promise<void> {
    let served: boolean;
    let spinMs = SPIN_MS;
    do {
      served = false;
      lane.open();
      const until = performance.now() + ATTEND_MS;
      for (;;) {
        const began = performance.now();
        const run = lane.next(this.#received, until, spinMs);
        if (!run) break;
        spinMs = performance.now() - began <= SOON_MS ? SOON_MS : SPIN_MS;
        this.#runNow(engine, lane, run);
        served = true;
      }
      await turn();
      // What has come by message goes first.
    } while (served && this.#pending === 1);
  }

  #done(id: number, outputs: readonly WireTensor[], took: RunTime): void {
    const buffers = new Set(outputs.map(({ data }) => data.buffer as ArrayBuffer));
    this.#post({ type: 'done', id, outputs, ...took }, [...buffers]);
  }

  #profile(engine: Engine, { id, feeds, runs }: Message<'profile'>): Promise<void> {
    return this.#answer(id, async () => {
      const profile = await engine.profile(feeds, runs, this.#hooks(id));
      this.#tellMemory(engine);
      this.#post(profile ? { type: 'profiled', id, profile } : { type: 'cancelled', id });
    });
  }

  #tellMemory({ memoryBytes }: Engine): void {
    if (memoryBytes === this.#memoryBytes) return;
    this.#memoryBytes = memoryBytes;
    this.#post({ type: 'memory', bytes: memoryBytes });
  }

  // Isolated pages write the cancel word, so the engine works on without a turn of the event loop.
  #hooks(id: number) {
    const lane = this.#lane;
    let last = performance.now();
    return {
      cancelled: () => this.#cancelled >= id || lane?.isCancelled(id) === true,
      betweenSlices: () => {
        const now = performance.now();
        if (now - last > ALIVE_MS) {
          last = now;
          this.#post({ type: 'alive' });
        }
        return lane ? undefined : turn();
      },
    };
  }

  // Memory that can not be lent is not an error: the page goes on by message.
  #reserve(engine: Engine, { input, bytes }: Message<'reserve'>): void {
    try {
      this.#post({ type: 'slot', slot: engine.reserve(input, bytes) });
    } catch (thrown) {
      if (isFatal(asFailure(thrown))) throw thrown;
    }
  }

  async #keep(file: ModelFile): Promise<void> {
    const failure = await keepFile(file).then(
      () => undefined,
      (thrown: unknown) => asFailure(thrown).toWire(),
    );
    this.#post({ type: 'kept', sha256: file.sha256, ...(failure ? { failure } : {}) });
  }

  async #answer(id: number, work: () => void | Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      this.#failed(id, thrown);
    }
  }

  #failed(id: number, thrown: unknown): void {
    const failure: Failure = asFailure(thrown);
    if (isFatal(failure)) this.dead(failure);
    else this.#post({ type: 'failed', id, failure: failure.toWire() });
  }
}
