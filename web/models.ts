// The models that this browser keeps.
import type { Variant } from '../manifest/parse.js';
import { Failure } from '../worker/failure.js';
import { openStore, type Store } from '../worker/storage/store.js';
import { openManifest } from '../router/manifest_source.js';
import * as shelf from '../router/manifest_shelf.js';
import { findMissing, keepOffline, removeUnnamed } from '../router/offline.js';
import { type Assets, resolveAssets } from './assets.js';
import { toSardonyxError } from './errors.js';
import { resolveUrl } from './source.js';

export interface StoredFile {
  readonly variant: string;
  readonly url: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface StoredModel {
  readonly name: string;
  readonly version: string;
  readonly manifestUrl: string;
  /** In storage. */
  readonly bytes: number;
  readonly files: readonly StoredFile[];
  /** Whether all that is needed without a network is there. */
  readonly complete: boolean;
}

export interface Usage {
  /** Of models, in storage. */
  readonly bytes: number;
  /** What this site may store in all, where the browser tells. */
  readonly quota?: number;
  /** Whether the browser asks the user before it removes anything. */
  readonly persisted?: boolean;
}

export interface KeepOptions {
  /** Names of variants; default all. */
  variants?: readonly string[];
  signal?: AbortSignal;
  assets?: Assets;
}

export const models = {
  /** Stores variants of a manifest without loading them. */
  keep: (manifestUrl: string | URL, options: KeepOptions = {}): Promise<void> =>
    guard(options.signal, () => keep(resolveUrl(manifestUrl, 'manifestUrl'), options)),

  list: (): Promise<readonly StoredModel[]> =>
    guard(undefined, () => withStore([], async (store) => list(store))),

  /** Removes the models of that name. Sessions that run them go on. */
  remove: (name: string): Promise<void> =>
    guard(undefined, () => withStore(undefined, (store) => remove(store, name))),

  usage: (): Promise<Usage> => guard(undefined, usage),

  /** Asks the browser never to remove what this site stores. After a click, it grants more. */
  persist: (): Promise<boolean> =>
    guard(undefined, async () => (await storageManager()?.persist?.()) ?? false),
};

async function keep(url: string, { variants, signal, assets = {} }: KeepOptions): Promise<void> {
  await openStore();
  const copy = await shelf.find(url);
  const { text, manifest } = await openManifest(url, copy, signal);
  const wanted = variants?.map((name) => named(manifest.variants, name, url)) ?? manifest.variants;
  const { workerUrl } = resolveAssets(assets, 'simd');
  await keepOffline({ url, text, wanted }, workerUrl, { signal });
}

function named(variants: readonly Variant[], name: string, url: string): Variant {
  const variant = variants.find((other) => other.name === name);
  if (variant) return variant;
  throw new Failure('VARIANT_UNKNOWN', `${url} has no variant ${name}`, { url });
}

async function list(store: Store): Promise<StoredModel[]> {
  return Promise.all(
    (await shelf.list()).map(async ({ url, manifest, wanted }) => {
      const { name, version, variants } = manifest;
      const missing = await findMissing(store, variants);
      const stored = variants.filter((variant) => !missing.includes(variant));
      return {
        name,
        version,
        manifestUrl: url,
        bytes: stored.reduce((sum, { bytes }) => sum + bytes, 0),
        files: stored.map((variant) => ({
          variant: variant.name,
          url: new URL(variant.url, url).href,
          bytes: variant.bytes,
          sha256: variant.sha256,
        })),
        complete: missing.every((variant) => !wanted.includes(variant.name)),
      };
    }),
  );
}

async function remove(store: Store, name: string): Promise<void> {
  const gone = (await shelf.list()).filter(({ manifest }) => manifest.name === name);
  for (const { url } of gone) await shelf.drop(url);
  for (const { manifest } of gone) await removeUnnamed(store, manifest.variants);
}

async function usage(): Promise<Usage> {
  const stored = await withStore([], async (store) => list(store));
  const files = new Map(
    stored.flatMap(({ files }) => files.map(({ sha256, bytes }) => [sha256, bytes] as const)),
  );
  const bytes = [...files.values()].reduce((sum, size) => sum + size, 0);
  const { quota } = (await storageManager()?.estimate?.()) ?? {};
  const persisted = await storageManager()?.persisted?.();
  return {
    bytes,
    ...(quota === undefined ? {} : { quota }),
    ...(persisted === undefined ? {} : { persisted }),
  };
}

const storageManager = () =>
  (globalThis.navigator as Partial<Navigator> | undefined)?.storage as
    Partial<StorageManager> | undefined;

// Where there is no storage, nothing is stored.
async function withStore<T>(empty: T, work: (store: Store) => Promise<T>): Promise<T> {
  try {
    return await work(await openStore());
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'STORAGE_MISSING') return empty;
    throw thrown;
  }
}

async function guard<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (signal?.aborted && thrown === signal.reason) throw thrown;
    throw toSardonyxError(thrown);
  }
}
