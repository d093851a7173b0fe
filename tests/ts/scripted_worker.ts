// A worker whose part is played by the test.
import type { Spawn, PortEvents } from '../../router/worker_port.js';
import {
  PROTOCOL_VERSION,
  type FromWorker,
  type ModelDescription,
  type ToWorker,
} from '../../worker/protocol.js';

export const model: ModelDescription = {
  inputs: [{ name: 'x', kind: 'tensor', type: 'float32', shape: [2], optional: false }],
  outputs: [{ name: 'y', kind: 'tensor', type: 'float32', shape: [2], optional: false }],
  warnings: [],
  irVersion: 8,
  opsets: { '': 17 },
  operators: { Identity: 1 },
  weightBytes: 0,
  packedBytes: 0,
};

// The smallest valid wasm module.
export const emptyModule = new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));

type Message<T extends ToWorker['type']> = Extract<ToWorker, { type: T }>;

export class ScriptedWorker {
  readonly received: ToWorker[] = [];
  transferred: readonly Transferable[] = [];
  terminated = false;
  #events!: PortEvents;

  readonly spawn: Spawn = (_url, events) => {
    this.#events = events;
    return Promise.resolve({
      post: (message, transfer = []) => {
        this.received.push(message);
        this.transferred = transfer;
      },
      terminate: () => (this.terminated = true),
      hold: () => undefined,
    });
  };

  send(message: FromWorker): void {
    this.#events.message(message);
  }

  error(message: string): void {
    this.#events.error(message);
  }

  // As far as a loaded model.
  load(): void {
    this.send({ type: 'hello', version: PROTOCOL_VERSION });
    this.send({ type: 'ready' });
    this.send({ type: 'loaded', model });
  }

  last<T extends ToWorker['type']>(type: T): Message<T> | undefined {
    const matches = (message: ToWorker): message is Message<T> => message.type === type;
    return this.received.filter(matches).at(-1);
  }
}
