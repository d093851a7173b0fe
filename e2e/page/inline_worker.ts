// A worker of the page's own that runs the engine without a further worker.
import { SardonyxError, Tensor, load } from '../../web/index';
import { offlineOf } from './storage';

/** A manifest whose file is stored by this worker. */
async function store(): Promise<{ offline: string; fromStorage: boolean }> {
  const session = await load('/manifests/right/m.sardonyx.json', { execution: 'inline' });
  const { offline } = await offlineOf(session);
  const fromStorage = session.route.why.includes('file from storage');
  await session.dispose();
  return { offline, fromStorage };
}

async function work(): Promise<unknown> {
  const session = await load('/models/small.onnx', { execution: 'inline' });
  const run = async (): Promise<number[]> => {
    const x = new Tensor('float32', Float32Array.of(1, -1, 0.5, 2), [1, 4]);
    const { y } = await session.run({ x });
    return Array.from(y?.data as Float32Array);
  };
  const output = await run();
  const wrong = await session
    .run({})
    .catch((error: unknown) => (error instanceof SardonyxError ? error.code : String(error)));
  const after = await run();
  await session.dispose();
  return { output, wrong, after, stored: [await store(), await store()] };
}

work().then(postMessage, (error: unknown) => postMessage(String(error)));
