// What tests of storage call in their pages, as window.harness.storage.
import type { Session } from '../../web/index';

const manifestUrl = (name: string): string =>
  `/manifests/${encodeURIComponent(name)}/m.sardonyx.json`;

/** Settles when the session is 'ready' or 'failed'. */
export async function offlineOf(
  session: Session,
): Promise<{ offline: string; code?: string; events: string[] }> {
  const events: string[] = [];
  if (session.offline === 'pending') {
    await new Promise<void>((done) => {
      for (const name of ['offline-ready', 'offline-failed']) {
        session.addEventListener(name, () => {
          events.push(name);
          done();
        });
      }
    });
  }
  const code = session.offlineProblem?.code;
  return { offline: session.offline, ...(code ? { code } : {}), events };
}

/** Loads a manifest, runs the model, waits until it is known whether it is stored, and ends. */
async function visit(
  url: string,
  options: Parameters<typeof window.sardonyx.load>[1] = {},
): Promise<{
  outputs: number[];
  why: string;
  phases: string[];
  offline: string;
  code?: string;
  events: string[];
}> {
  const phases = new Set<string>();
  const session = await window.sardonyx.load(url, {
    ...options,
    onProgress: ({ phase }) => phases.add(phase),
  });
  const stored = offlineOf(session);
  const outputs = await window.harness.runSmall(session);
  const result = { outputs, why: session.route.why.join('\n'), phases: [...phases] };
  const offline = await stored;
  await session.dispose();
  return { ...result, ...offline };
}

const folder = async (): Promise<FileSystemDirectoryHandle> =>
  (await navigator.storage.getDirectory()).getDirectoryHandle('sardonyx', { create: true });

/** Names of what is in the folder of the library, with sizes. */
async function stored(): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for await (const [name, handle] of (await folder()).entries()) {
    found[name] = (await (handle as FileSystemFileHandle).getFile()).size;
  }
  return found;
}

/** Puts a file there in place of what has the name. */
async function plant(name: string, contents: Uint8Array<ArrayBuffer>): Promise<void> {
  const handle = await (await folder()).getFileHandle(name, { create: true });
  const file = await handle.createWritable();
  await file.write(contents);
  await file.close();
}

/** A worker script that runs `code` before the library's. */
const workerAfter = (code: string): string =>
  URL.createObjectURL(
    new Blob([`${code}\nimportScripts('${location.origin}/dist/worker.js');`], {
      type: 'text/javascript',
    }),
  );

export const storage = { manifestUrl, offlineOf, plant, stored, visit, workerAfter };
