// Microseconds of calls to a model that does nothing.
import { engine } from './engines.js';

/** In batches of calls whose mean counts, as the clock has steps of 5 µs. */
async function timeCalls({ url, size, runs, batch, ...options }) {
  const open = await engine(options);
  const session = await open(url);
  const feeds = {
    x: session.tensor({ dtype: 'float32', data: new Float32Array(size), dims: [size] }),
  };
  for (let i = 0; i < runs; i++) await session.run(feeds);
  const times = [];
  for (let i = 0; i < runs / batch; i++) {
    const before = performance.now();
    for (let k = 0; k < batch; k++) await session.run(feeds);
    times.push(((performance.now() - before) / batch) * 1000);
  }
  times.sort((a, b) => a - b);
  return { p50: times[times.length >> 1], p90: times[Math.floor(times.length * 0.9)] };
}

export { timeCalls as callFromPage };

/** The same in a worker, where Sardonyx computes on the calling thread as onnxruntime-web always does. */
export function callInWorker(options) {
  const worker = new Worker('/calls_worker.js', { type: 'module' });
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve(data));
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage({ ...options, execution: 'inline' });
  }).finally(() => worker.terminate());
}
