// Starts the script of an engine worker in browsers and in Node, behind one small interface.
import { ENGINE_WORKER_NAME, type FromWorker, type ToWorker } from '../worker/protocol.js';
import { Failure } from '../worker/failure.js';
import { isNode } from './features.js';

export interface PortEvents {
  message(message: FromWorker): void;
  // An uncaught error, a script that does not load, a message that can not be read.
  error(message: string): void;
}

export interface WorkerPort {
  post(message: ToWorker, transfer?: readonly Transferable[]): void;
  terminate(): void;
  // Whether this worker keeps a Node process running.
  hold(busy: boolean): void;
}

export type Spawn = (url: string, events: PortEvents) => Promise<WorkerPort>;

export const spawn: Spawn = (url, events) =>
  isNode ? Promise.resolve(spawnNode(url, events)) : spawnBrowser(url, events);

async function spawnBrowser(url: string, events: PortEvents): Promise<WorkerPort> {
  const script = isSameOrigin(url) ? url : await blobOf(url);
  // A data: or blob: URL is not hierarchical, but the worker resolves nothing against its own.
  const worker = new Worker(trusted(script), { name: ENGINE_WORKER_NAME });
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => events.message(data);
  worker.onmessageerror = () => events.error('a message from the worker could not be read');
  worker.onerror = (event) => {
    event.preventDefault();
    events.error(event.message || `the script at ${url} could not be loaded`);
  };
  return {
    post: (message, transfer) => worker.postMessage(message, [...(transfer ?? [])]),
    terminate: () => {
      worker.terminate();
      if (script !== url) URL.revokeObjectURL(script);
    },
    hold: () => undefined,
  };
}

function spawnNode(url: string, events: PortEvents): WorkerPort {
  const { Worker: NodeWorker } = process.getBuiltinModule('node:worker_threads');
  const worker = new NodeWorker(new URL(url), { workerData: ENGINE_WORKER_NAME });
  worker.on('message', (data: FromWorker) => events.message(data));
  worker.on('messageerror', (error) => events.error(String(error)));
  worker.on('error', (error) => events.error(String(error)));
  worker.on('exit', (code) => events.error(`the worker ended with code ${code}`));
  return {
    post: (message, transfer) => worker.postMessage(message, transfer as never),
    terminate: () => void worker.terminate(),
    hold: (busy) => (busy ? worker.ref() : worker.unref()),
  };
}

// The origin of a sandboxed frame is not that of its URL.
function isSameOrigin(url: string): boolean {
  const { origin, protocol } = new URL(url);
  return protocol === 'blob:' || protocol === 'data:' || origin === globalThis.origin;
}

// Browsers refuse workers of another origin, but not a copy of their script.
async function blobOf(url: string): Promise<string> {
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`HTTP status ${response.status}`);
    const text = await response.blob();
    return URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
  } catch (thrown) {
    throw new Failure('ENGINE_START', `can not load ${url}: ${String(thrown)}`, { url });
  }
}

interface Policy {
  createScriptURL(url: string): unknown;
}

let policy: Policy | undefined;

// Pages with Trusted Types must allow the policy 'sardonyx'. Without that name in their CSP the plain
// URL is tried.
function trusted(url: string): string {
  const { trustedTypes } = globalThis as {
    trustedTypes?: {
      createPolicy(name: string, rules: { createScriptURL(url: string): string }): Policy;
    };
  };
  if (!trustedTypes) return url;
  try {
    policy ??= trustedTypes.createPolicy('sardonyx', { createScriptURL: (script) => script });
    return policy.createScriptURL(url) as string;
  } catch {
    return url;
  }
}
