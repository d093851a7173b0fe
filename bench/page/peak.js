// The best that one core does in this browser; ../peak/peak.c has the loops.

const BEST_OF_MS = 1500;

// Calls this short reach the optimizing compiler after a few of them.
const CALLS = 10;
const STEPS = 200_000;
const FLOPS = CALLS * STEPS * 12 * 4 * 2;

// Far beyond every cache, from an address that the module does not use otherwise.
const BYTES = 128 << 20;
const START = 1 << 20;
const PIECES = 64;

/** The shortest time of `work`, in nanoseconds. */
function best(work) {
  let least = Infinity;
  const begin = performance.now();
  while (performance.now() - begin < BEST_OF_MS) {
    const before = performance.now();
    work();
    least = Math.min(least, performance.now() - before);
  }
  return least * 1e6;
}

/** Calls `work(offset, vectors)` for all pieces of `bytes`. */
const inPieces = (bytes, work) => () => {
  const piece = bytes / PIECES;
  for (let i = 0; i < PIECES; i++) work(i * piece, piece / 16);
};

async function instantiate(url) {
  const { instance } = await WebAssembly.instantiateStreaming(fetch(url));
  new Uint8Array(instance.exports.memory.buffer, START, BYTES).fill(1);
  return instance.exports;
}

const reading = ({ read_memory }) =>
  inPieces(BYTES, (at, vectors) => read_memory(START + at, vectors));

/** {gflops, readGBs, copyGBs}; a copy counts the bytes read and those written. */
export async function peak({ url }) {
  const wasm = await instantiate(url);
  const multiply = () => {
    for (let i = 0; i < CALLS; i++) wasm.multiply_add(STEPS, 0.5);
  };
  const copy = inPieces(BYTES / 2, (at, vectors) =>
    wasm.copy_memory(START + BYTES / 2 + at, START + at, vectors),
  );
  return {
    gflops: FLOPS / best(multiply),
    readGBs: BYTES / best(reading(wasm)),
    copyGBs: BYTES / best(copy),
  };
}

/** Reads for as long as the others do too; gives GB/s. */
export async function readForAWhile({ url }) {
  const read = reading(await instantiate(url));
  read();
  const begin = performance.now();
  let bytes = 0;
  while (performance.now() - begin < BEST_OF_MS) {
    read();
    bytes += BYTES;
  }
  return bytes / (performance.now() - begin) / 1e6;
}

/** GB/s that this many workers read together. */
export async function readTogether({ url, threads }) {
  const rates = Array.from({ length: threads }, () => {
    const worker = new Worker('/peak_worker.js', { type: 'module' });
    return new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
      worker.postMessage({ url });
    }).finally(() => worker.terminate());
  });
  return (await Promise.all(rates)).reduce((a, b) => a + b);
}
