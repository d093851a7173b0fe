// The page's side of the service worker: registers it, offers new versions, and becomes isolated on hosts
// that send no headers for it.
import { byId } from './page';

const RELOADED = 'sardonyx-reloaded-for-isolation';

/** Resolves when the service worker has everything of the page; rejects with a reason for the reader. */
export async function keepShell(): Promise<void> {
  const registration = await register();
  offerUpdates(registration);
  await active(registration);
  registration.active?.postMessage('drop-unused-builds');
  reloadForIsolation();
}

async function register(): Promise<ServiceWorkerRegistration> {
  if (!isSecureContext) {
    throw new Error('Browsers keep a page for offline use only over https or on localhost.');
  }
  if (!('serviceWorker' in navigator)) {
    throw new Error(
      'This browser has no service worker here, which would keep the page for offline use.',
    );
  }
  const made = await navigator.serviceWorker
    .register('sw.js', { updateViaCache: 'none' })
    .catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`The service worker, which would keep the page, was refused: ${why}`);
    });
  // Some blockers replace register() by a function that does nothing.
  if (!(made instanceof ServiceWorkerRegistration)) {
    throw new Error('The service worker, which would keep the page, is blocked here.');
  }
  return made;
}

function active(registration: ServiceWorkerRegistration): Promise<void> {
  const worker = registration.active ?? registration.waiting ?? registration.installing;
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (worker?.state === 'activated') resolve();
      if (!worker || worker.state === 'redundant') {
        reject(new Error('The page could not be kept for offline use: storage or network failed.'));
      }
    };
    worker?.addEventListener('statechange', look);
    look();
  });
}

/** A new version waits until the reader asks for it, in whichever tab. */
function offerUpdates(registration: ServiceWorkerRegistration): void {
  const bar = byId('update', HTMLElement);
  const { serviceWorker } = navigator;
  let controlled = serviceWorker.controller !== null;
  let asked = false;
  const offer = (): void => {
    if (registration.waiting && registration.active) bar.hidden = false;
  };
  offer();
  registration.addEventListener('updatefound', () => {
    registration.installing?.addEventListener('statechange', offer);
  });
  byId('update-reload', HTMLButtonElement).addEventListener('click', () => {
    asked = true;
    if (registration.waiting) registration.waiting.postMessage('take-over');
    else location.reload();
  });
  byId('update-later', HTMLButtonElement).addEventListener('click', () => (bar.hidden = true));
  serviceWorker.addEventListener('controllerchange', () => {
    if (asked) location.reload();
    // Another tab has taken the new version; this one goes on with the old files until it is reloaded.
    else if (controlled) bar.hidden = false;
    controlled = true;
  });
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState !== 'visible') return;
    registration.update().catch(() => undefined);
  });
}

let touched = false;
for (const type of ['pointerdown', 'keydown', 'drop', 'paste']) {
  addEventListener(type, () => (touched = true), { once: true, capture: true });
}

/** Once per tab, and never under the reader's hands: the next visit will be isolated anyway. */
function reloadForIsolation(): void {
  if (crossOriginIsolated || touched) return;
  try {
    if (sessionStorage.getItem(RELOADED)) return;
    sessionStorage.setItem(RELOADED, 'yes');
  } catch {
    // Without the mark there could be no end to reloading.
    return;
  }
  location.reload();
}
