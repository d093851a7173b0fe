// Runs in a fresh page: opens one model with one engine and times it. Public APIs only.

const arrays = { float32: Float32Array, int64: BigInt64Array, int32: Int32Array, bool: Uint8Array };

const engines = {
  async sardonyx({ url, threads, module }) {
    const { Tensor, load } = await import('/dist/index.mjs');
    return async () => {
      const session = await load(url, { force: { threads, ...(module && { module }) } });
      return {
        tensor: ({ dtype, data, dims }) => new Tensor(dtype, data, dims),
        run: (feeds) => session.run(feeds),
        shapeOf: (tensor) => tensor.shape,
        about: () => ({ module: session.route.module, threads: session.route.threads }),
      };
    };
  },

  async onnxruntime({ url, threads }) {
    const ort = await import('/ort/ort.wasm.min.mjs');
    ort.env.wasm.wasmPaths = '/ort/';
    ort.env.wasm.numThreads = threads;
    return async () => {
      const session = await ort.InferenceSession.create(url, { executionProviders: ['wasm'] });
      return {
        tensor: ({ dtype, data, dims }) => new ort.Tensor(dtype, data, dims),
        run: (feeds) => session.run(feeds),
        shapeOf: (tensor) => tensor.dims,
        about: () => ({ threads: ort.env.wasm.numThreads }),
      };
    };
  },
};

async function fetchInputs(model) {
  const list = await (await fetch(`/inputs/${model}`)).json();
  return Promise.all(
    list.map(async ({ name, dtype, dims }, i) => {
      const bytes = await (await fetch(`/inputs/${model}/${i}`)).arrayBuffer();
      return { name, dtype, dims, data: new arrays[dtype](bytes) };
    }),
  );
}

/** Enough to see that both engines computed the same: shape and mean magnitude of each output. */
const digest = (results, shapeOf) =>
  Object.fromEntries(
    Object.entries(results).map(([name, tensor]) => {
      let sum = 0;
      for (const v of tensor.data) sum += Math.abs(Number(v));
      return [name, { shape: [...shapeOf(tensor)], mean: sum / Math.max(1, tensor.data.length) }];
    }),
  );

/**
 * Cold: from the import of the library to the first result, in milliseconds. Then runs for `warmMs`, so that the
 * browser's optimizing compiler is through, then at least `minRuns` timed runs and `measureMs`.
 */
export async function measure({ engine, model, url, threads, module, warmMs, measureMs, minRuns }) {
  const inputs = await fetchInputs(model);
  const start = performance.now();
  const open = await engines[engine]({ url, threads, module });
  const imported = performance.now();
  const session = await open();
  const created = performance.now();
  const feeds = Object.fromEntries(inputs.map((input) => [input.name, session.tensor(input)]));
  const results = await session.run(feeds);
  const first = performance.now();

  for (let i = 0; i < 2 || performance.now() - first < warmMs; i++) await session.run(feeds);
  const times = [];
  const begin = performance.now();
  while (times.length < minRuns || performance.now() - begin < measureMs) {
    const before = performance.now();
    await session.run(feeds);
    times.push(performance.now() - before);
  }
  return {
    importMs: imported - start,
    createMs: created - imported,
    firstMs: first - created,
    coldMs: first - start,
    times,
    outputs: digest(results, session.shapeOf),
    about: session.about(),
  };
}
