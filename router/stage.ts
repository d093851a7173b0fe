// Feeds on their way to a worker.
import type { TypedArray } from '../worker/dtypes.js';
import type { Slot, WireFeed } from '../worker/protocol.js';
import type { Feed } from './route.js';
import type { SlotPool } from './slots.js';

export interface Staged {
  readonly wire: readonly WireFeed[];
  // To be given back after the run.
  readonly staged: readonly Slot[];
  readonly transfer: readonly ArrayBuffer[];
}

// Elements are copied into memory of the worker where some is at hand, otherwise they go by message:
// a view is copied first, because a clone would take its whole buffer.
export function stage(feeds: readonly Feed[], slots: SlotPool | undefined): Staged {
  const staged: Slot[] = [];
  const transfer = new Set<ArrayBuffer>();
  const wire = feeds.map(({ input, type, shape, data, packed, owned }): WireFeed => {
    if ('pointer' in data) return { input, type, shape, data: data.pointer };
    const slot = owned || packed ? undefined : slots?.take(input, data.byteLength);
    if (slot) {
      staged.push(slot);
      slot.view.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      return { input, type, shape, data: slot.pointer };
    }
    const sent: TypedArray = owned ? data : data.slice();
    if (sent.buffer instanceof ArrayBuffer) transfer.add(sent.buffer);
    return { input, type, shape, data: sent };
  });
  return { wire, staged, transfer: [...transfer] };
}
