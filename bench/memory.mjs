// Peak memory of a page that loads a model and runs it: of its process, of wasm, and as the browser counts.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { spread } from './statistics.mjs';
import { inTurns, launch, openVisit } from './turns.mjs';

const MOST_ROUNDS = 3;
const RUNS = { warmMs: 200, measureMs: 0, minRuns: 1 };
const MEMORY_WATCH = readFileSync(join(import.meta.dirname, 'page/memory_watch.js'), 'utf8');

/** A server mount: /watched/ is dist/ with a worker whose wasm memory can be asked for. */
export const watchedMount = (dist) =>
  function answer({ path }) {
    const name = path.slice('/watched/'.length);
    const text = readFileSync(join(dist, name));
    const type = name.endsWith('.wasm') ? 'application/wasm' : 'text/javascript';
    return { body: name === 'worker.js' ? `${MEMORY_WATCH}\n${text}` : text, type };
  };

/** The most memory that the largest renderer of the browser has had, in bytes. */
async function rendererPeak(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  const peaks = processInfo
    .filter(({ type }) => type === 'renderer')
    .map(({ id }) =>
      Number(/VmHWM:\s*(\d+) kB/.exec(readFileSync(`/proc/${id}/status`, 'utf8'))[1]),
    );
  return Math.max(...peaks) * 1024;
}

async function wasmBytes(page) {
  const sizes = await Promise.all(
    [page, ...page.workers()].map((place) => place.evaluate(() => globalThis.wasmBytes?.() ?? 0)),
  );
  return sizes.reduce((a, b) => a + b);
}

/** A browser of its own, so that its largest renderer is the page's. */
async function inBrowser(use) {
  const browser = await launch(['--enable-blink-features=ForceEagerMeasureMemory']);
  try {
    return await use(browser, await (await browser.newContext()).newPage());
  } finally {
    await browser.close();
  }
}

/** What a page takes that does nothing, in bytes. */
export const emptyPagePeak = (base) =>
  inBrowser(async (browser, page) => {
    await page.goto(base);
    return rendererPeak(browser);
  });

const watchVisit = (base, options) =>
  inBrowser(async (browser, page) => {
    await page.addInitScript({ content: MEMORY_WATCH });
    await openVisit(page, base, options);
    const process = await rendererPeak(browser);
    const wasm = await wasmBytes(page);
    const counted = await page.evaluate(async () => {
      const { bytes } = await performance.measureUserAgentSpecificMemory();
      return bytes;
    });
    return { process, wasm, counted };
  });

/** {sardonyx: {process, wasm, counted}, onnxruntime: …, process, wasm}: bytes, and our share of onnxruntime-web's. */
export async function peakMemory(base, which, { engines, rounds, module, emptyPage }) {
  const seen = await inTurns(engines, Math.min(rounds, MOST_ROUNDS), async (engine) => {
    const bytes = await watchVisit(base, {
      engine,
      threads: 1,
      module,
      dist: '/watched/',
      url: which.url,
      inputs: `/inputs/${which.key}`,
      steady: RUNS,
    });
    return { ...bytes, process: bytes.process - emptyPage };
  });
  const figures = { rounds: seen.length };
  for (const kind of ['process', 'wasm', 'counted']) {
    for (const engine of engines) {
      figures[engine] = {
        ...figures[engine],
        [kind]: spread(seen.map((round) => round[engine][kind])),
      };
    }
    if (engines.length > 1) {
      figures[kind] = spread(
        seen.map(({ sardonyx, onnxruntime }) => sardonyx[kind] / onnxruntime[kind]),
      );
    }
  }
  return figures;
}
