// Fetches a file for a worker that still has to start, which takes as long as a small download.
import { asFailure } from '../worker/failure.js';
import type { FilePart } from '../worker/protocol.js';
import { openSource } from '../worker/source.js';

export interface Fetched {
  // Hands on all there is, to its end or to the failure that ended it.
  to(post: (part: FilePart, transfer: ArrayBuffer[]) => void): Promise<void>;
  // Gives up.
  stop(): void;
}

export function fetchFor(url: string): Fetched {
  const stop = new AbortController();
  const opening = openSource({ url }, { signal: stop.signal });
  opening.catch(() => undefined);
  return {
    async to(post) {
      try {
        const { total, exact, chunks } = await opening;
        post({ total, exact }, []);
        for await (const chunk of chunks()) {
          const isWhole = chunk.byteLength === chunk.buffer.byteLength;
          const bytes = isWhole ? chunk : chunk.slice();
          post({ bytes }, [bytes.buffer as ArrayBuffer]);
        }
        post({}, []);
      } catch (thrown) {
        post({ failure: asFailure(thrown).toWire() }, []);
      }
    },
    stop: () => stop.abort(),
  };
}
