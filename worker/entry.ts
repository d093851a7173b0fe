// What worker.js does depends on who loads it: a route starts an engine worker, Emscripten starts a
// pool thread, and inline execution imports it for the Engine class.
import type * as NodeThreadsModule from 'node:worker_threads';
import type { Factory, Instance, ModuleArguments } from './abi.js';
import { Engine } from './engine.js';
import {
  ENGINE_WORKER_NAME,
  type FromWorker,
  LIBRARY_KEY,
  PROTOCOL_VERSION,
  type ToWorker,
} from './protocol.js';
import { Service } from './service.js';

// Emscripten's glue, the same for both modules; tools/bundle.mjs puts it beside this code.
declare const sardonyxGlue: Factory;

export interface EngineLibrary {
  readonly version: number;
  readonly Engine: typeof Engine;
  readonly factory: Factory;
}

const POOL_THREAD_NAME = 'em-pthread';

type NodeThreads = typeof NodeThreadsModule;
const node: NodeThreads | undefined =
  typeof process === 'object' && typeof process.getBuiltinModule === 'function'
    ? process.getBuiltinModule('node:worker_threads')
    : undefined;

const role: unknown = node ? node.workerData : (globalThis as { name?: unknown }).name;

if (role === POOL_THREAD_NAME) runPoolThread();
else if (role === ENGINE_WORKER_NAME && node) serveNode(node);
else if (role === ENGINE_WORKER_NAME) serveBrowser();
else provideLibrary();

// The part of DedicatedWorkerGlobalScope that is used here; its library clashes with the page's.
interface WorkerScope {
  readonly location: Location;
  readonly trustedTypes?: TrustedTypes;
  Worker: typeof Worker;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  onmessageerror: (() => void) | null;
  onunhandledrejection: ((event: PromiseRejectionEvent) => void) | null;
  postMessage(message: FromWorker, transfer: Transferable[]): void;
}

function serveBrowser(): void {
  const scope = globalThis as unknown as WorkerScope;
  allowPoolWorkers(scope);
  const service = new Service(
    (message, transfer) => scope.postMessage(message, transfer ?? []),
    sardonyxGlue,
    scope.location.href,
  );
  scope.onmessage = (event) => service.handle(event.data);
  scope.onmessageerror = () => service.dead(new Error('a message could not be read'));
  scope.onunhandledrejection = (event) => service.dead(event.reason);
}

function serveNode({ parentPort }: NodeThreads): void {
  const port = parentPort!;
  const service = new Service(
    (message: FromWorker, transfer) => port.postMessage(message, transfer as never),
    sardonyxGlue,
    __filename,
  );
  port.on('message', (message: ToWorker) => service.handle(message));
  process.on('unhandledRejection', (reason) => service.dead(reason));
}

// Emscripten starts pool workers from a plain URL, which pages with Trusted Types refuse.
function allowPoolWorkers(scope: WorkerScope): void {
  const types = scope.trustedTypes;
  if (!types) return;
  const self = scope.location.href;
  const Native = scope.Worker;
  let policy: ReturnType<TrustedTypes['createPolicy']>;
  try {
    policy = types.createPolicy('sardonyx', {
      createScriptURL: (url) => (url === self ? url : ''),
    });
  } catch {
    return;
  }
  scope.Worker = class extends Native {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(policy.createScriptURL(String(url)) as string, options);
    }
  };
}

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): { createScriptURL(url: string): unknown };
}

// The engine waits for its pool threads, so one that traps must be seen in shared memory.
function runPoolThread(): void {
  const glue: ModuleArguments & Partial<Instance> = {};
  let memory: WebAssembly.Memory | undefined;
  // Emscripten's first message.
  const listen = ({ wasmMemory }: { wasmMemory?: WebAssembly.Memory }) => (memory ??= wasmMemory);
  const crashed = () => {
    if (!memory || !glue._sx_crash_word) return;
    Atomics.store(new Int32Array(memory.buffer), glue._sx_crash_word() >>> 2, 1);
  };
  if (node) {
    node.parentPort!.on('message', listen);
    process.on('uncaughtExceptionMonitor', crashed);
  } else {
    globalThis.addEventListener(
      'message',
      (event: MessageEvent<{ wasmMemory?: WebAssembly.Memory }>) => listen(event.data),
    );
    globalThis.addEventListener('error', crashed);
  }
  void sardonyxGlue(glue);
}

function provideLibrary(): void {
  const library: EngineLibrary = { version: PROTOCOL_VERSION, Engine, factory: sardonyxGlue };
  Object.assign(globalThis, { [LIBRARY_KEY]: library });
}
