// The manifests that this browser keeps, by URL, with the variants that each needs without a network.
import { manifestParser, type Manifest } from '../manifest/parse.js';
import { asStorageFailure } from '../worker/storage/storage_failure.js';

const CACHE = 'sardonyx-manifests';

export interface ShelfEntry {
  readonly url: string;
  readonly text: string;
  // Names of variants.
  readonly wanted: readonly string[];
  // The URL of the stable version, of a candidate.
  readonly candidateOf?: string | undefined;
}

export interface ShelvedManifest extends ShelfEntry {
  readonly manifest: Manifest;
}

// Undefined for one that is not there or that this release can not read.
export function find(url: string): Promise<ShelvedManifest | undefined> {
  return withCache(async (cache) => read(await cache.match(url)));
}

export function list(): Promise<ShelvedManifest[]> {
  return withCache(async (cache) => {
    const keys = await cache.keys();
    const entries = await Promise.all(keys.map(async (key) => read(await cache.match(key))));
    return entries.filter((entry) => entry !== undefined);
  });
}

// In place of what has the same URL.
export function put(entry: ShelfEntry): Promise<void> {
  const { url, text, wanted, candidateOf } = entry;
  const stored = JSON.stringify({ url, text, wanted, candidateOf });
  return withCache((cache) => cache.put(url, new Response(stored)));
}

export function drop(url: string): Promise<boolean> {
  return withCache((cache) => cache.delete(url));
}

async function read(response: Response | undefined): Promise<ShelvedManifest | undefined> {
  try {
    if (!response) return undefined;
    const entry = (await response.json()) as ShelfEntry;
    const parse = await manifestParser();
    return { ...entry, manifest: parse(entry.text, entry.url) };
  } catch {
    return undefined;
  }
}

async function withCache<T>(work: (cache: Cache) => Promise<T>): Promise<T> {
  try {
    return await work(await caches.open(CACHE));
  } catch (thrown) {
    throw asStorageFailure(thrown);
  }
}
