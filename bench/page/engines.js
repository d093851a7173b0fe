// Both engines behind one form, by their public APIs only: load(url) gives {tensor, run, read, about}, and of Sardonyx
// kernel(feeds), the one that most of the time goes to, and flops(feeds), what a run has to compute.

async function sardonyx({ threads, module, execution, dist = '/dist/' }) {
  const { Tensor, load } = await import(`${dist}index.mjs`);
  const force = { threads, ...(module && { module }) };
  return async (url) => {
    const session = await load(url, { force, ...(execution && { execution }) });
    const steps = async (feeds) => (await session.profile(feeds, { runs: 3 })).steps;
    return {
      tensor: ({ dtype, data, dims }) => new Tensor(dtype, data, dims),
      run: (feeds) => session.run(feeds),
      read: ({ type, shape, data }) => ({ dtype: type, dims: [...shape], data }),
      about: () => ({ module: session.route.module, threads: session.route.threads }),
      kernel: async (feeds) =>
        (await steps(feeds)).reduce((most, step) => (step.ms > most.ms ? step : most)).kernel,
      flops: async (feeds) => (await steps(feeds)).reduce((sum, step) => sum + step.flops, 0),
    };
  };
}

async function onnxruntime({ threads }) {
  const ort = await import('/ort/ort.wasm.min.mjs');
  ort.env.wasm.wasmPaths = new URL('/ort/', self.location.href).href;
  ort.env.wasm.numThreads = threads;
  return async (url) => {
    const session = await ort.InferenceSession.create(url, { executionProviders: ['wasm'] });
    return {
      tensor: ({ dtype, data, dims }) => new ort.Tensor(dtype, data, dims),
      run: (feeds) => session.run(feeds),
      read: ({ type, dims, data }) => ({ dtype: type, dims: [...dims], data }),
      about: () => ({ threads: ort.env.wasm.numThreads }),
    };
  };
}

const engines = { sardonyx, onnxruntime };

/** Imports the library; what it gives opens models. */
export const engine = (options) => engines[options.engine](options);
