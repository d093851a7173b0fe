// Code written for onnxruntime-web, with the import changed.
import { InferenceSession, Tensor, env } from '../../web/ort/index';

async function work(): Promise<unknown> {
  env.wasm.numThreads = 1;
  const session = await InferenceSession.create('/models/two-outputs.onnx', {
    executionProviders: ['wasm'],
  });
  const feeds = { x: new Tensor('float32', [1, -1, 0.5, 2], [1, 4]) };
  const results = await session.run(feeds);
  const only = await session.run(feeds, ['product']);
  const { inputNames, outputNames, inputMetadata } = session;
  await session.release();
  const { y } = results;
  return {
    inputNames,
    outputNames,
    inputMetadata,
    outputs: Object.keys(results),
    y: Array.from(y?.data as Float32Array),
    dims: y?.dims,
    only: Object.keys(only),
  };
}

work().then(postMessage, (error: unknown) => postMessage(String(error)));
