// One cache per build of the page. That of an older build stays as long as a page of that build is open:
// such a page may still want its worker script or its other wasm module.
import { BUILD_PREFIX } from '../build_name';

const sw = self as unknown as ServiceWorkerGlobalScope;

/** The file in the cache of another build than `current`, which names its files by their content. */
export async function fromOtherBuild(
  current: string,
  request: Request,
): Promise<Response | undefined> {
  for (const cacheName of await caches.keys()) {
    if (cacheName === current || !cacheName.startsWith(BUILD_PREFIX)) continue;
    const found = await caches.match(request, { cacheName });
    if (found) return found;
  }
  return undefined;
}

/**
 * Each page holds a lock with its build's name while it is open (`holdBuild`). A worker that is newer than this
 * one has a cache that no page uses yet.
 */
export async function dropUnusedBuilds(current: string): Promise<void> {
  const inUse = await buildsInUse();
  if (!inUse) return;
  for (const name of await caches.keys()) {
    if (sw.registration.installing ?? sw.registration.waiting) return;
    if (name.startsWith(BUILD_PREFIX) && name !== current && !inUse.has(name)) {
      await caches.delete(name);
    }
  }
}

/** Undefined while some page has not said which build it is. */
async function buildsInUse(): Promise<ReadonlySet<string> | undefined> {
  const windows = await sw.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const pages = windows.filter(({ url }) => url.startsWith(sw.registration.scope));
  if (pages.length === 0) return new Set();
  if (!('locks' in navigator)) return undefined;
  const { held = [] } = await navigator.locks.query();
  const builds = held.flatMap(({ name }) => (name?.startsWith(BUILD_PREFIX) ? [name] : []));
  return builds.length < pages.length ? undefined : new Set(builds);
}
