// What this browser remembers of candidate versions, and the number that puts it into buckets. One record
// for the origin, changed by one tab at a time.
import { acquireLock } from '../worker/storage/lock.js';
import type { Counts } from './rollout.js';

export interface RolloutRecord extends Counts {
  // Why the version is not tried again.
  readonly rolledBack?: string;
}

export interface Saved {
  // Random; it never leaves the browser.
  readonly client: string;
  readonly records: Readonly<Record<string, RolloutRecord>>;
}

export interface RolloutStore {
  read(): Promise<Saved>;
  // Adds what was counted since the last call.
  add(key: string, counts: Counts, rolledBack?: string): Promise<RolloutRecord>;
}

export const NOTHING: RolloutRecord = { runs: 0, errors: 0 };

const CACHE = 'sardonyx-rollouts';
// Entries need a URL; nothing is fetched from it.
const ENTRY = 'https://sardonyx.invalid/rollouts';

// Of this page, where nothing can be stored.
let memory: Saved | undefined;

export const recordKey = (manifestUrl: string, model: string, version: string) =>
  JSON.stringify([manifestUrl, model, version]);

export function rolloutStore(persistent: boolean): RolloutStore {
  const update = (change: (saved: Saved) => Saved) =>
    persistent ? locked(change) : Promise.resolve(inMemory(change));
  return {
    read: () => update((saved) => saved),
    async add(key, counts, rolledBack) {
      const { records } = await update((saved) => {
        const record = added(saved.records[key] ?? NOTHING, counts, rolledBack);
        return { ...saved, records: { ...saved.records, [key]: record } };
      });
      return records[key]!;
    },
  };
}

// The first reason stays.
function added(before: RolloutRecord, counts: Counts, rolledBack?: string): RolloutRecord {
  const why = before.rolledBack ?? rolledBack;
  return {
    runs: before.runs + counts.runs,
    errors: before.errors + counts.errors,
    ...(why === undefined ? {} : { rolledBack: why }),
  };
}

function inMemory(change: (saved: Saved) => Saved): Saved {
  memory = change(memory ?? fresh());
  return memory;
}

// A storage that fails is as one that is missing.
async function locked(change: (saved: Saved) => Saved): Promise<Saved> {
  const release = await acquireLock('rollouts');
  try {
    const cache = await caches.open(CACHE);
    const found = await (await cache.match(ENTRY))?.text();
    const saved = (found === undefined ? undefined : parse(found)) ?? memory ?? fresh();
    memory = change(saved);
    const text = JSON.stringify(memory);
    if (text !== found) await cache.put(ENTRY, new Response(text));
    return memory;
  } catch {
    return inMemory(change);
  } finally {
    release();
  }
}

function fresh(): Saved {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const client = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return { client, records: {} };
}

// Undefined for what this release did not write.
export function parse(text: string): Saved | undefined {
  try {
    const { client, records } = JSON.parse(text) as Saved;
    const whole = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0;
    const good = Object.values(records).every(
      ({ runs, errors, rolledBack }) =>
        whole(runs) &&
        whole(errors) &&
        (rolledBack === undefined || typeof rolledBack === 'string'),
    );
    return good && typeof client === 'string' && client ? { client, records } : undefined;
  } catch {
    return undefined;
  }
}
