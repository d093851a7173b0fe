// The message loop of an engine worker: one engine, driven by a route on the page.
import type { Factory } from './abi.js';
import { byteLength, dtypeInfo, elementCount } from './dtypes.js';
import { asFailure, type Failure, isFatal } from './failure.js';
import { Engine } from './engine.js';
import {
  PROTOCOL_VERSION,
  type FromWorker,
  type ModelFile,
  type ToWorker,
  type ValueInfo,
} from './protocol.js';
import { keepFile } from './storage/model_file.js';
import { turn } from './turn.js';

// During a long run the page hears this often that there is progress.
const ALIVE_MS = 250;
// Inputs of known size up to this one get a slot at load, so that the first allocate() finds one.
const OFFER_BYTES = 1 << 26;

export type Post = (message: FromWorker, transfer?: Transferable[]) => void;

type Message<T extends ToWorker['type']> = Extract<ToWorker, { type: T }>;

export class Service {
  readonly #post: Post;
  readonly #factory: Factory;
  readonly #scriptUrl: string;
  readonly #engine: Promise<Engine>;
  #started!: (engine: Promise<Engine>) => void;
  #control: Int32Array | null = null;
  #cancelled = 0;
  #memoryBytes = 0;
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
    switch (message.type) {
      case 'start':
        return this.#start(message);
      case 'cancel':
        this.#cancelled = message.id;
        return;
      case 'keep':
        return void this.#keep(message.file);
      case 'stop':
        return this.#stop();
      default:
        // In order, one at a time.
        this.#tail = this.#tail.then(() => this.#dispatch(message)).catch(this.dead);
    }
  }

  // The engine can not go on.
  readonly dead = (thrown: unknown): void => {
    this.#post({ type: 'dead', failure: asFailure(thrown).toWire() });
  };

  #start({ module, threads, control }: Message<'start'>): void {
    this.#control = control;
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
    this.#engine.then((engine) => engine.dispose()).then(stopped, stopped);
  }

  async #dispatch(
    message: Exclude<ToWorker, Message<'start' | 'cancel' | 'keep' | 'stop'>>,
  ): Promise<void> {
    const engine = await this.#engine;
    switch (message.type) {
      case 'load':
        return this.#load(engine, message);
      case 'run':
        return this.#run(engine, message);
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
      source,
      extras,
      (progress) => this.#post({ type: 'progress', progress }),
      gpu,
    );
    if (this.#control) model.inputs.forEach((value, input) => this.#offer(engine, value, input));
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

  #run(engine: Engine, { id, feeds, outputs }: Message<'run'>): Promise<void> {
    return this.#answer(id, async () => {
      const results = await engine.run(feeds, outputs, this.#hooks(id));
      this.#tellMemory(engine);
      if (!results) return this.#post({ type: 'cancelled', id });
      const buffers = new Set(results.map(({ data }) => data.buffer as ArrayBuffer));
      this.#post({ type: 'done', id, outputs: results }, [...buffers]);
    });
  }

  #tellMemory({ memoryBytes }: Engine): void {
    if (memoryBytes === this.#memoryBytes) return;
    this.#memoryBytes = memoryBytes;
    this.#post({ type: 'memory', bytes: memoryBytes });
  }

  // Isolated pages write the cancel word, so the engine works on without a turn of the event loop.
  #hooks(id: number) {
    const control = this.#control;
    let last = performance.now();
    return {
      cancelled: () =>
        this.#cancelled >= id || (control !== null && Atomics.load(control, 0) >= id),
      betweenSlices: () => {
        const now = performance.now();
        if (now - last > ALIVE_MS) {
          last = now;
          this.#post({ type: 'alive' });
        }
        return control ? undefined : turn();
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
      const failure: Failure = asFailure(thrown);
      if (isFatal(failure)) this.dead(failure);
      else this.#post({ type: 'failed', id, failure: failure.toWire() });
    }
  }
}
