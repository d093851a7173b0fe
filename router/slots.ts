// Pieces of a worker's memory that its page may fill. The worker allocates them on request, so what
// is asked for now is at hand the next time.
import type { Slot } from '../worker/protocol.js';

// Slots per input, lent ones included.
const MAX_PER_INPUT = 8;

// For what grows, so that it need not be asked for at each run.
const roomFor = (bytes: number) => 2 ** Math.ceil(Math.log2(bytes));

export interface SlotSource {
  request(input: number, bytes: number): void;
  release(slot: Slot): void;
}

export class SlotPool {
  readonly #source: SlotSource;
  readonly #free = new Map<number, Slot[]>();
  readonly #count = new Map<number, number>();
  readonly #asked = new Set<number>();
  readonly #lent = new Map<Slot, (() => void) | undefined>();

  constructor(source: SlotSource) {
    this.#source = source;
  }

  // A slot that arrived, requested or not.
  add(slot: Slot): void {
    this.#count.set(slot.input, (this.#count.get(slot.input) ?? 0) + 1);
    this.#asked.delete(slot.input);
    this.#freeOf(slot.input).push(slot);
  }

  take(input: number, bytes: number, onClose?: () => void): Slot | undefined {
    const free = this.#freeOf(input);
    const index = free.findIndex(({ view }) => view.length >= bytes);
    const grows = index < 0 && free.length > 0;
    if (grows) this.#releaseAll(input);
    const slot = index < 0 ? undefined : free.splice(index, 1)[0];
    if (slot) this.#lent.set(slot, onClose);
    if (free.length === 0) this.#ask(input, grows ? roomFor(bytes) : bytes);
    return slot;
  }

  give(slot: Slot): void {
    if (this.#lent.delete(slot)) this.#freeOf(slot.input).push(slot);
  }

  // Drops every reference to the worker's memory.
  close(): void {
    const owners = [...this.#lent.values()];
    this.#lent.clear();
    this.#free.clear();
    for (const onClose of owners) onClose?.();
  }

  #ask(input: number, bytes: number): void {
    if (this.#asked.has(input) || (this.#count.get(input) ?? 0) >= MAX_PER_INPUT) return;
    this.#asked.add(input);
    this.#source.request(input, bytes);
  }

  // Those that are too small now.
  #releaseAll(input: number): void {
    const free = this.#freeOf(input);
    this.#count.set(input, (this.#count.get(input) ?? 0) - free.length);
    for (const slot of free.splice(0)) this.#source.release(slot);
  }

  #freeOf(input: number): Slot[] {
    let free = this.#free.get(input);
    if (!free) this.#free.set(input, (free = []));
    return free;
  }
}
