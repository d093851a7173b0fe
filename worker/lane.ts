// The fast lane between a route and its worker on isolated pages: one run at a time is given and answered in shared
// memory, without the event loop of either side. All else goes by message, and so does a run that does not fit.
import { Packet } from './packet.js';
import type { RunTime, WireFeed, WireTensor } from './protocol.js';
import { copyOf, type Result } from './result.js';

export const LANE_BYTES = 1 << 18;

// Words at the front; a packet behind them.
const CANCEL = 0; // the id of the run to stop
const STATE = 1;
const MAIL = 2; // messages that the page has posted
const ASLEEP = 3; // 1 while the worker sleeps
const PACKET_OFFSET = 64;

// The worker is at its event loop: runs go by message.
const AWAY = 0;
// The worker looks here for the next run. Only the page's side gives one, each side may make it AWAY.
const OPEN = 1;
// A run is here, and the page waits for the answer in the lane. It may make it TOLD.
const GIVEN = 2;
// A run is here; its answer goes by message.
const TOLD = 3;

export interface LaneRun {
  readonly id: number;
  readonly feeds: readonly WireFeed[];
  readonly outputs: readonly number[];
}

// What the worker tells of a run that has given results.
export interface RunFigures extends RunTime {
  readonly memoryBytes: number;
}

export interface LaneAnswer extends RunFigures {
  readonly outputs: readonly WireTensor[];
}

const pause: () => void = (Atomics as { pause?: () => void }).pause ?? (() => undefined);
// Looks between two at the clock.
const LOOKS = 20;

export class Lane {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #packet: Packet;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(LANE_BYTES)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer, 0, PACKET_OFFSET / 4);
    this.#packet = new Packet(buffer, PACKET_OFFSET);
  }

  // The page's side.

  cancel(id: number): void {
    Atomics.store(this.#words, CANCEL, id);
  }

  // Whether a run that is given here is taken at once. A worker that sleeps may be woken on the core of a page that
  // waits awake, which then keeps it from running.
  get isAwake(): boolean {
    return Atomics.load(this.#words, ASLEEP) === 0;
  }

  // After each message: the worker goes to its event loop for it.
  mail(): void {
    Atomics.add(this.#words, MAIL, 1);
    if (this.#move(OPEN, AWAY)) Atomics.notify(this.#words, STATE);
  }

  // False when the run must go by message. `waits`: await() is called next.
  give({ id, feeds, outputs }: LaneRun, waits: boolean): boolean {
    if (Atomics.load(this.#words, STATE) !== OPEN) return false;
    const tensors = feeds.map(({ input, ...feed }) => ({ index: input, ...feed }));
    if (!this.#packet.write([id, ...outputs], tensors)) return false;
    if (!this.#move(OPEN, waits ? GIVEN : TOLD)) return false;
    Atomics.notify(this.#words, STATE);
    return true;
  }

  // Undefined when the answer comes by message: it was not here in `ms`, or does not fit.
  await(ms: number): LaneAnswer | undefined {
    const isHere = this.#spin(GIVEN, performance.now() + ms) || !this.#move(GIVEN, TOLD);
    if (!isHere) return undefined;
    const { numbers, tensors } = this.#packet.read();
    if (numbers.length === 0) return undefined;
    const outputs = tensors.map(({ index: output, type, shape, data }) =>
      copyOf({ output, type, shape, bytes: data as Uint8Array, isTensor: true }),
    );
    return { ms: numbers[0]!, alone: numbers[1] === 1, memoryBytes: numbers[2]!, outputs };
  }

  // The worker's side.

  isCancelled(id: number): boolean {
    return Atomics.load(this.#words, CANCEL) >= id;
  }

  open(): void {
    Atomics.store(this.#words, STATE, OPEN);
  }

  // The next run, with feeds in the lane's memory; undefined when the worker must go to its event loop: at `until`,
  // or because there is more mail than the `received` messages. Spins for `spinMs` before it sleeps.
  next(received: number, until: number, spinMs: number): LaneRun | undefined {
    const words = this.#words;
    const spinUntil = Math.min(until, performance.now() + spinMs);
    for (;;) {
      const left = until - performance.now();
      const hasMail = Atomics.load(words, MAIL) - received > 0;
      if ((left <= 0 || hasMail) && this.#move(OPEN, AWAY)) return undefined;
      if (this.#spin(OPEN, spinUntil)) break;
      Atomics.store(words, ASLEEP, 1);
      Atomics.wait(words, STATE, OPEN, left);
      Atomics.store(words, ASLEEP, 0);
    }
    if (Atomics.load(words, STATE) === AWAY) return undefined;
    const { numbers, tensors } = this.#packet.read();
    const [id, ...outputs] = numbers as [number, ...number[]];
    const feeds = tensors.map(({ index, ...feed }) => ({ input: index, ...feed }));
    return { id, feeds, outputs };
  }

  // False when the answer must go by message; see release().
  answer({ ms, alone, memoryBytes }: RunFigures, results: readonly Result[]): boolean {
    if (Atomics.load(this.#words, STATE) !== GIVEN) return false;
    if (!results.every(({ isTensor }) => isTensor)) return false;
    const tensors = results.map(({ output, type, shape, bytes }) => {
      return { index: output, type, shape, data: bytes };
    });
    return this.#packet.write([ms, alone ? 1 : 0, memoryBytes], tensors) && this.#move(GIVEN, OPEN);
  }

  // Before the answer to a run goes by message.
  release(): void {
    const state = Atomics.load(this.#words, STATE);
    if (state === GIVEN) this.#packet.write([], []);
    if (!this.#move(GIVEN, OPEN)) this.#move(TOLD, OPEN);
  }

  #move(from: number, to: number): boolean {
    return Atomics.compareExchange(this.#words, STATE, from, to) === from;
  }

  // Whether the state has left `state` before `until`.
  #spin(state: number, until: number): boolean {
    const words = this.#words;
    do {
      for (let i = 0; i < LOOKS; i++) {
        if (Atomics.load(words, STATE) !== state) return true;
        pause();
      }
    } while (performance.now() < until);
    return false;
  }
}
