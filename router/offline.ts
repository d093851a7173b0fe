// Keeps what a model needs without a network: its manifest and the files of some variants.
import { variantUrl, type Variant } from '../manifest/parse.js';
import type { ModelFile } from '../worker/protocol.js';
import { openStore, type Store } from '../worker/storage/store.js';
import { keepFiles } from './keeper.js';
import * as shelf from './manifest_shelf.js';

// A download that broke off is not gone on with after so long.
const ABANDONED_MS = 7 * 24 * 3600 * 1000;

export interface OfflineNeeds {
  // Of the manifest.
  readonly url: string;
  readonly text: string;
  readonly wanted: readonly Variant[];
  readonly candidateOf?: string;
}

export const fileOf = (variant: Variant, manifestUrl: string): ModelFile => ({
  url: variantUrl(variant, manifestUrl),
  bytes: variant.bytes,
  sha256: variant.sha256,
  ...(variant.chunks ? { chunks: variant.chunks } : {}),
});

// Resolves when all of it is stored. An earlier version stays until then.
export async function keepOffline(
  needs: OfflineNeeds,
  workerUrl: string,
  { signal, onKept }: { signal?: AbortSignal | undefined; onKept?: () => void } = {},
): Promise<void> {
  const { url, text, wanted, candidateOf } = needs;
  const store = await openStore();
  const earlier = await shelf.find(url);
  const same = earlier?.text === text;
  const missing = await findMissing(store, wanted);
  const there = wanted.filter((variant) => !missing.includes(variant));
  // What is there works already, where no earlier version does.
  if (!earlier && there.length > 0) {
    await shelf.put({ url, text, wanted: there.map(nameOf), candidateOf });
  }
  if (missing.length > 0) {
    await keepFiles(
      workerUrl,
      missing.map((variant) => fileOf(variant, url)),
      { signal, ...(onKept ? { onKept } : {}) },
    );
  }
  const names = new Set([...(same ? earlier.wanted : []), ...wanted.map(nameOf)]);
  await shelf.put({ url, text, wanted: [...names], candidateOf });
  if (earlier && !same) await removeUnnamed(store, earlier.manifest.variants);
  await store.dropParts(ABANDONED_MS);
}

// The candidates of a manifest but `current`.
export async function dropCandidates(stableUrl: string, current?: string): Promise<void> {
  const store = await openStore();
  const gone = (await shelf.list()).filter(
    ({ url, candidateOf }) => candidateOf === stableUrl && url !== current,
  );
  for (const { url } of gone) await shelf.drop(url);
  for (const { manifest } of gone) await removeUnnamed(store, manifest.variants);
}

// SHA-256 of those that are there. A storage that fails has none.
export async function storedOf(variants: readonly Variant[]): Promise<ReadonlySet<string>> {
  try {
    const missing = new Set(await findMissing(await openStore(), variants));
    return new Set(variants.filter((v) => !missing.has(v)).map(({ sha256 }) => sha256));
  } catch {
    return new Set();
  }
}

export async function findMissing(store: Store, variants: readonly Variant[]): Promise<Variant[]> {
  const found = await Promise.all(variants.map(({ sha256, bytes }) => store.find(sha256, bytes)));
  return variants.filter((_, i) => !found[i]);
}

// The files that no manifest on the shelf names. `keepParts`: not what a download can resume with.
export async function removeUnnamed(
  store: Store,
  variants: readonly Variant[],
  keepParts = false,
): Promise<void> {
  const kept = (await shelf.list()).flatMap(({ manifest }) => manifest.variants);
  const named = new Set(kept.map(({ sha256 }) => sha256));
  for (const { sha256, chunks } of variants) {
    if (!named.has(sha256)) await store.remove(sha256, keepParts && chunks !== undefined);
  }
}

const nameOf = ({ name }: Variant) => name;
