// Keeps the page and the library for offline use and serves them with the headers of cross-origin
// isolation. Models are kept by the library.
import { PrecacheController, PrecacheRoute, type PrecacheEntry } from 'workbox-precaching';
import { registerRoute } from 'workbox-routing';
import { BUILD_PREFIX } from '../build_name';
import { dropUnusedBuilds, fromOtherBuild } from './build_caches';
import { isolated } from './isolation';

/** By web/demo/build.mjs. */
declare const PRECACHE: PrecacheEntry[];
declare const BUILD: string;

const sw = self as unknown as ServiceWorkerGlobalScope;
const cacheName = BUILD_PREFIX + BUILD;

const precache = new PrecacheController({
  cacheName,
  plugins: [{ handlerWillRespond: ({ response }) => Promise.resolve(isolated(response)) }],
});
precache.addToCacheList(PRECACHE);

sw.addEventListener('install', (event) => void precache.install(event));
// The page that registered this worker can then finish offline what it has begun online. Activation does not
// wait for it: Firefox takes 60 s when a page has threads that sleep.
sw.addEventListener('activate', () => void sw.clients.claim());
sw.addEventListener('message', (event) => {
  if (event.data === 'take-over') void sw.skipWaiting();
  if (event.data === 'drop-unused-builds') event.waitUntil(dropUnusedBuilds(cacheName));
});

registerRoute(
  new PrecacheRoute(precache, { cleanURLs: false, ignoreURLParametersMatching: [/.*/] }),
);

/** Named by content, as web/demo/build.mjs does. */
const hashed = /-[0-9A-Z]{8}[./]/;
registerRoute(
  ({ url, sameOrigin }) => sameOrigin && hashed.test(url.pathname),
  async ({ request }) => {
    const kept = await fromOtherBuild(cacheName, request);
    return kept ? isolated(kept) : fetch(request);
  },
);
