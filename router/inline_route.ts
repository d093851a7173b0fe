// A route whose engine runs on the caller's own thread: a worker of the page, or Node.
import type { Engine } from '../worker/engine.js';
import type { EngineLibrary } from '../worker/entry.js';
import { asFailure, Failure, isFatal } from '../worker/failure.js';
import {
  LIBRARY_KEY,
  ON_CPU,
  PROTOCOL_VERSION,
  type FileReport,
  type LoadProgress,
  type ModelDescription,
  type Placement,
  type Plan,
  type RunProfile,
  type Slot,
  type WireFeed,
  type WireTensor,
} from '../worker/protocol.js';
import { turn } from '../worker/turn.js';
import { compile } from './compile.js';
import type { Feed, Route, RouteHooks, RouteSetup } from './route.js';

export class InlineRoute implements Route {
  model!: ModelDescription;
  file: FileReport | undefined;
  threads = 1;
  closed = false;

  placement: Placement = ON_CPU;
  readonly #lent = new Map<Slot, () => void>();
  #engine: Engine | undefined;
  #cancelled = false;
  readonly #hooks = {
    cancelled: () => this.#cancelled || this.closed,
    betweenSlices: turn,
  };

  static async start(
    setup: RouteSetup,
    hooks: RouteHooks,
    signal?: AbortSignal,
  ): Promise<InlineRoute> {
    signal?.throwIfAborted();
    const { wasm, workerUrl } = setup;
    const [library, module] = await Promise.all([
      loadLibrary(workerUrl),
      typeof wasm === 'string' ? compile(wasm) : Promise.resolve(wasm),
    ]);
    const route = new InlineRoute();
    const aborted = new Promise<never>((_, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    try {
      await Promise.race([route.#load(library, module, setup, hooks), aborted]);
      signal?.throwIfAborted();
    } catch (thrown) {
      await route.dispose();
      throw thrown;
    }
    return route;
  }

  get memoryBytes(): number {
    return this.#engine?.memoryBytes ?? 0;
  }

  async run(
    feeds: readonly Feed[],
    outputs: readonly number[],
  ): Promise<readonly WireTensor[] | undefined> {
    this.#cancelled = false;
    return this.#guard(() => this.#alive().run(feeds.map(toWire), outputs, this.#hooks));
  }

  fed(input: number): Uint8Array | undefined {
    return this.placement.device === 'cpu' ? this.#engine?.fed(input) : undefined;
  }

  async profile(feeds: readonly Feed[], runs: number): Promise<RunProfile | undefined> {
    this.#cancelled = false;
    return this.#guard(() => this.#alive().profile(feeds.map(toWire), runs, this.#hooks));
  }

  cancel(): void {
    this.#cancelled = true;
  }

  explain(): Promise<Plan> {
    return this.#guard(() => Promise.resolve(this.#alive().explain()));
  }

  lend(input: number, bytes: number, onClose: () => void): Slot | undefined {
    if (!this.#engine) return undefined;
    const slot = this.#engine.reserve(input, bytes);
    this.#lent.set(slot, onClose);
    return slot;
  }

  takeBack(slot: Slot): void {
    if (this.#lent.delete(slot)) this.#engine?.free(slot.pointer);
  }

  recall(): void {
    const owners = [...this.#lent.values()];
    this.#lent.clear();
    for (const onClose of owners) onClose();
  }

  dispose(): Promise<void> {
    this.#close();
    return Promise.resolve();
  }

  async #load(
    { Engine, factory }: EngineLibrary,
    module: WebAssembly.Module,
    { threads, workerUrl, source, external, fedWeights, gpu }: RouteSetup,
    hooks: RouteHooks,
  ): Promise<void> {
    const engine = await Engine.start(
      { factory, module, threads, scriptUrl: scriptOf(workerUrl) },
      {
        onThreads: (count) => (this.threads = count),
        onTrap: () => this.#close(),
        onPlacement: (placement) => {
          this.placement = placement;
          if (this.#engine?.loaded) hooks.onDegrade?.(placement);
        },
      },
    );
    if (this.closed) {
      engine.dispose();
      return;
    }
    this.#engine = engine;
    const onProgress = (progress: LoadProgress) => hooks.onProgress(progress);
    const { model, file } = await engine.load(source, { external, fedWeights }, onProgress, gpu);
    this.model = model;
    this.file = file;
  }

  #alive(): Engine {
    if (!this.#engine) throw new Failure('ENGINE_TRAP', 'the engine has stopped');
    return this.#engine;
  }

  async #guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      const failure = asFailure(thrown);
      if (isFatal(failure)) this.#close();
      throw failure;
    }
  }

  #close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#engine?.dispose();
    this.#engine = undefined;
    this.recall();
  }
}

const toWire = ({ input, type, shape, data }: Feed): WireFeed => ({
  input,
  type,
  shape,
  data: 'pointer' in data ? data.pointer : data,
});

// Node's Worker takes a path.
function scriptOf(url: string): string {
  if (!url.startsWith('file:')) return url;
  return process.getBuiltinModule('node:url').fileURLToPath(url);
}

async function loadLibrary(url: string): Promise<EngineLibrary> {
  const scope = globalThis as { [LIBRARY_KEY]?: EngineLibrary };
  try {
    if (scope[LIBRARY_KEY]?.version !== PROTOCOL_VERSION) {
      await import(/* webpackIgnore: true */ /* @vite-ignore */ url);
    }
  } catch (thrown) {
    throw new Failure('ENGINE_START', `can not load ${url}: ${String(thrown)}`, { url });
  }
  const library = scope[LIBRARY_KEY];
  if (library?.version === PROTOCOL_VERSION) return library;
  throw new Failure('ENGINE_VERSION', `${url} is of another release`, { url });
}
