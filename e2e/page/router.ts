// What tests of the Router call in their pages, as window.harness.router.
import type { RoutedModel, Router, RouterEventDetail } from '../../web/index';

const ownModel = (name: string): string => `/own-models/${name}/${name}.sardonyx.json`;

const urls = { glyphs: ownModel('glyphs'), denoise: ownModel('denoise') } as const;

/** All that the router dispatches from now on, as "event name". */
function listen(router: Router): string[] {
  const seen: string[] = [];
  for (const event of ['load', 'unload', 'evict']) {
    router.addEventListener(event, (happened) => {
      seen.push(`${event} ${(happened as CustomEvent<RouterEventDetail>).detail.name}`);
    });
  }
  return seen;
}

/** Bytes that each takes when it is loaded on the CPU, with one thread: there is memory for each. */
async function needs(sources: readonly string[]): Promise<number[]> {
  const bytes: number[] = [];
  for (const source of sources) {
    const session = await window.sardonyx.load(source, {
      storage: 'none',
      force: { device: 'cpu', threads: 1 },
    });
    bytes.push(session.memoryBytes);
    await session.dispose();
  }
  return bytes;
}

const states = (models: Readonly<Record<string, RoutedModel>>): Record<string, string> =>
  Object.fromEntries(Object.entries(models).map(([name, { state }]) => [name, state]));

export const router = { listen, needs, states, urls };
