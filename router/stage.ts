// Feeds on their way to a worker.
import type { Slot, WireFeed } from '../worker/protocol.js';
import type { Feed } from './route.js';
import type { SlotPool } from './slots.js';

export interface Staged {
  // What has found no memory of the worker is still the caller's.
  readonly wire: readonly WireFeed[];
  // To be given back after the run.
  readonly slots: readonly Slot[];
}

// Elements are copied into memory of the worker where some is at hand.
export function stage(feeds: readonly Feed[], pool: SlotPool | undefined): Staged {
  const slots: Slot[] = [];
  const wire = feeds.map(({ input, type, shape, data, packed, owned }): WireFeed => {
    if ('pointer' in data) return { input, type, shape, data: data.pointer };
    const slot = owned || packed ? undefined : pool?.take(input, data.byteLength);
    if (!slot) return { input, type, shape, data };
    slots.push(slot);
    slot.view.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return { input, type, shape, data: slot.pointer };
  });
  return { wire, slots };
}

// The rest goes by message: a view is copied first, because a clone would take its whole buffer.
export function posted(feeds: readonly Feed[], wire: readonly WireFeed[]) {
  const transfer = new Set<ArrayBuffer>();
  const sent = wire.map((feed, i): WireFeed => {
    if (typeof feed.data === 'number') return feed;
    const data = feeds[i]!.owned ? feed.data : feed.data.slice();
    if (data.buffer instanceof ArrayBuffer) transfer.add(data.buffer);
    return { ...feed, data };
  });
  return { sent, transfer: [...transfer] };
}
