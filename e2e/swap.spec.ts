// Routes that change while a session is in use: by wish, after failures, for speed. With real workers and
// real wasm.
import { chromium } from '@playwright/test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer } from '../tests/ts/model_server';
import { modelBytes } from './models';
import { expect, openPage, test, withoutCalibration } from './site';
import { webgpuBrowser } from './webgpu_browser';

const right = [1, 0, 1.5, 8];

test.beforeEach(async ({ page, site }) => {
  await withoutCalibration(page);
  await openPage(page, site.isolated);
});

for (const isolated of [true, false]) {
  const title = isolated ? 'isolated' : 'not isolated';
  test(`1,000 runs across 20 swaps, ${title}: none lost, doubled or wrong`, async ({
    page,
    site,
  }) => {
    await openPage(page, isolated ? site.isolated : site.plain);
    const found = await page.evaluate(async () => {
      const { storage, swaps } = window.harness;
      const session = await window.sardonyx.load(storage.manifestUrl('two busy variants'), {
        queueLimit: 1000,
        storage: 'none',
      });
      const wasm = await WebAssembly.compileStreaming(fetch('/dist/sardonyx.simd.wasm'));
      const list = [
        { variant: 'fp32' },
        { module: 'simd' },
        { variant: 'int8', threads: 1 },
        { wasm },
        {},
      ] as const;
      const load = await swaps.underLoad(session, 1000, [...list, ...list, ...list, ...list]);
      return { ...load, state: session.state, id: session.route.id };
    });
    expect(found).toMatchObject({ inOrder: true, wrong: 0, state: 'serving' });
    expect(found.submitted).toBeGreaterThanOrEqual(1000);
    expect(found.settled).toBe(found.submitted);
    expect(found.routes.slice(0, 5)).toEqual([
      'fp32-cpu-relaxed',
      'fp32-cpu-simd',
      'int8-cpu-relaxed',
      'int8-cpu-relaxed-own',
      'int8-cpu-relaxed',
    ]);
    // The old workers are gone, and with them their memory.
    await expect.poll(() => page.workers().length, { timeout: 30_000 }).toBe(1);
  });
}

test('a swap tells what it did, and makes tensors of the old route stale', async ({ page }) => {
  const found = await page.evaluate(async () => {
    const { failureOf, modelUrl, runSmall, swaps } = window.harness;
    const session = await window.sardonyx.load(modelUrl('small'), { force: { threads: 1 } });
    const seen = swaps.listen(session);
    await runSmall(session);
    const x = session.allocate('x');
    const swap = session.swap({ module: 'simd' });
    const states = [session.state];
    // Begins in the next turn of the event loop.
    await new Promise((resolve) => setTimeout(resolve));
    states.push(session.state);
    const route = await swap;
    states.push(session.state);
    const stale = await failureOf(session.run({ x }));
    const outputs = await runSmall(session);
    const again = session.allocate('x');
    again.data.set([1, -1, 0.5, 2] as never);
    const { y } = await session.run({ x: again });
    return { seen, states, route, stale, outputs, inPlace: Array.from(y!.data as Float32Array) };
  });
  expect(found.states).toEqual(['serving', 'swapping', 'serving']);
  expect(found.route).toMatchObject({ id: 'cpu-simd', module: 'simd', threads: 1 });
  expect(found.route.why[0]).toContain('swap()');
  expect(found.seen).toEqual(['swap cpu-relaxed > cpu-simd', 'route cpu-relaxed > cpu-simd']);
  expect(found.stale?.code).toBe('TENSOR_STALE');
  expect([found.outputs, found.inPlace]).toEqual([right, right]);
});

const refused = [
  {
    title: 'a module cut in half',
    to: { wasm: '/broken/half/sardonyx.relaxed.wasm' },
    code: 'ENGINE_START',
    rollback: true,
  },
  {
    title: 'a module that traps in the self-test',
    to: { wasm: '/broken/relaxed/sardonyx.relaxed.wasm' },
    code: 'ENGINE_TRAP',
    rollback: true,
  },
  { title: 'no module', to: { wasm: '/absent.wasm' }, code: 'ENGINE_START', rollback: true },
  { title: 'an unknown variant', to: { variant: 'int3' }, code: 'VARIANT_UNKNOWN' },
  { title: 'a device no variant is for', to: { device: 'webgpu' }, code: 'NO_CANDIDATE' },
  { title: 'no thread', to: { threads: 0 }, code: 'INVALID_ARGUMENT' },
] as const;

for (const { title, to, code, ...more } of refused) {
  test(`a swap to ${title} is ${code}, and the old route stays`, async ({ page }) => {
    const found = await page.evaluate(async (to) => {
      const { failureOf, runSmall, storage, swaps } = window.harness;
      const session = await window.sardonyx.load(storage.manifestUrl('two variants'), {
        storage: 'none',
      });
      const seen = swaps.listen(session);
      const before = session.route.id;
      const swap = failureOf(session.swap(to));
      const during = await runSmall(session);
      const failure = await swap;
      const after = await runSmall(session);
      return { failure, seen, during, after, before, id: session.route.id, state: session.state };
    }, to);
    expect(found.failure).toMatchObject({ isSardonyxError: true, code });
    expect(found.failure?.remedy).toBeTruthy();
    expect([found.during, found.after]).toEqual([right, right]);
    expect(found.id).toBe(found.before);
    expect(found.state).toBe('serving');
    const events = found.seen.map((event) => event.split(' ')[0]);
    expect(events).toEqual('rollback' in more ? ['rollback'] : []);
  });
}

test('a swap to a GPU that is not there is rolled back', async ({ page }) => {
  const found = await page.evaluate(async () => {
    const { failureOf, modelUrl, runSmall } = window.harness;
    const session = await window.sardonyx.load(modelUrl('small'));
    const failure = await failureOf(session.swap({ device: 'webgpu' }));
    return { failure, outputs: await runSmall(session), device: session.route.device };
  });
  expect(found.failure?.code).toBe('DEVICE_UNAVAILABLE');
  expect(found).toMatchObject({ outputs: right, device: 'cpu' });
});

test('an aborted swap leaves the old route', async ({ page }) => {
  const found = await page.evaluate(async () => {
    const { failureOf, modelUrl, runSmall, swaps } = window.harness;
    const session = await window.sardonyx.load(modelUrl('small'));
    const seen = swaps.listen(session);
    const stop = new AbortController();
    const swap = failureOf(session.swap({ module: 'simd' }, { signal: stop.signal }));
    await new Promise((resolve) => setTimeout(resolve));
    stop.abort(new Error('not needed'));
    const failure = await swap;
    return { message: failure?.message, seen, outputs: await runSmall(session) };
  });
  expect(found).toEqual({ message: 'not needed', seen: [], outputs: right });
});

test('a run that does not end within the drain time is repeated on the new route', async ({
  page,
}) => {
  const found = await page.evaluate(async () => {
    const { modelUrl, rows } = window.harness;
    const session = await window.sardonyx.load(modelUrl('many-steps'));
    const x = rows(256, 512);
    const { y: wanted } = await session.run({ x });
    let ended = false;
    const run = session.run({ x }).finally(() => (ended = true));
    const small = session.run({ x: rows(2, 512) });
    x.data.fill(0 as never);
    await session.swap({}, { drainMs: 0 });
    const cut = !ended;
    const [{ y }, { y: other }] = await Promise.all([run, small]);
    const same = (wanted!.data as Float32Array).every((value, i) => value === y!.data[i]);
    return { cut, same, other: other!.shape };
  });
  expect(found).toEqual({ cut: true, same: true, other: [2, 512] });
});

test('swaps to a GPU and back', async ({ site }) => {
  const browser = await chromium.launch(webgpuBrowser);
  try {
    const page = await browser.newPage();
    await openPage(page, site.isolated);
    const found = await page.evaluate(async () => {
      const { modelUrl, runSmall, swaps } = window.harness;
      const session = await window.sardonyx.load(modelUrl('small'));
      const seen = swaps.listen(session);
      const outputs = [];
      for (const device of ['webgpu', 'cpu'] as const) {
        const { device: now } = await session.swap({ device });
        outputs.push([now, ...(await runSmall(session))]);
      }
      return { seen, outputs };
    });
    expect(found.outputs).toEqual([
      ['webgpu', ...right],
      ['cpu', ...right],
    ]);
    expect(found.seen).toEqual([
      'swap cpu-relaxed > webgpu-relaxed',
      'route cpu-relaxed > webgpu-relaxed',
      'swap webgpu-relaxed > cpu-relaxed',
      'route webgpu-relaxed > cpu-relaxed',
    ]);
  } finally {
    await browser.close();
  }
});

test('after a trap a new worker takes over and repeats the run', async ({ page }) => {
  const found = await page.evaluate(async () => {
    const { modelUrl, runSmall, swaps, vector } = window.harness;
    const workers = swaps.watchWorkers();
    const session = await window.sardonyx.load(modelUrl('small'), {
      assets: { base: '/broken/demand/' },
    });
    const seen = swaps.listen(session);
    const before = await runSmall(session);
    workers[0]!.postMessage({ type: 'trap' });
    const x = vector(1, -1, 0.5, 2);
    const first = session.run({ x });
    (x.data as Float32Array).fill(7);
    const [y, second] = await Promise.all([first, runSmall(session)]);
    const runs = [Array.from(y.y!.data as Float32Array), second];
    return { before, runs, seen, workers: workers.length, id: session.route.id };
  });
  expect(found.before).toEqual(right);
  expect(found.runs).toEqual([right, right]);
  expect(found.workers).toBe(2);
  expect(found.id).toBe('cpu-relaxed');
  expect(found.seen).toEqual([
    'recover cpu-relaxed > cpu-relaxed ENGINE_TRAP',
    'route cpu-relaxed > cpu-relaxed',
  ]);
});

test('after a second trap the next candidate takes over', async ({ page }) => {
  const found = await page.evaluate(async () => {
    const { modelUrl, runSmall, swaps } = window.harness;
    const session = await window.sardonyx.load(modelUrl('small'), {
      assets: { base: '/broken/relaxed/' },
    });
    const seen = swaps.listen(session);
    const runs = await Promise.all([runSmall(session), runSmall(session)]);
    return { runs, seen, id: session.route.id };
  });
  expect(found.runs).toEqual([right, right]);
  expect(found.id).toBe('cpu-simd');
  expect(found.seen).toEqual([
    'recover cpu-relaxed > cpu-relaxed ENGINE_TRAP',
    'route cpu-relaxed > cpu-relaxed',
    'degrade cpu-relaxed > cpu-simd ENGINE_TRAP',
    'route cpu-relaxed > cpu-simd',
  ]);
});

test('with no candidate left runs reject with all attempts, and a good module ends that', async ({
  page,
}) => {
  const found = await page.evaluate(async () => {
    const { failureOf, modelUrl, runSmall } = window.harness;
    const session = await window.sardonyx.load(modelUrl('small'), {
      assets: { base: '/broken/both/' },
    });
    const failures = [];
    for (let i = 0; i < 3; i++) failures.push(await failureOf(runSmall(session)));
    const { state } = session;
    const route = await session.swap({ wasm: '/dist/sardonyx.relaxed.wasm' });
    return { failures, state, id: route.id, outputs: await runSmall(session) };
  });
  for (const failure of found.failures) expect(failure?.code).toBe('ENGINE_TRAP');
  expect(found.state).toBe('exhausted');
  expect(found.failures.at(-1)?.attempts?.map(({ route }) => route)).toEqual([
    'cpu-relaxed',
    'cpu-simd',
  ]);
  expect(found.id).toContain('-own');
  expect(found.outputs).toEqual(right);
});

test('with no candidate left a server takes over, where that is allowed', async ({ page }) => {
  const server = await serveSmall();
  try {
    const found = await page.evaluate(async (url) => {
      const { modelUrl, runSmall, swaps } = window.harness;
      const session = await window.sardonyx.load(modelUrl('small'), {
        assets: { base: '/broken/both/' },
        exclude: [{ module: 'simd' }],
        remote: { url },
      });
      const seen = swaps.listen(session);
      const device = session.route.device;
      const runs = await Promise.all([runSmall(session), runSmall(session)]);
      const { why, ...route } = session.route;
      return { device, runs, seen, route, why: why.join('\n') };
    }, server.url);
    expect(found.device).toBe('cpu');
    expect(found.runs).toEqual([right, right]);
    expect(found.route).toMatchObject({ id: 'remote', device: 'remote' });
    expect(found.why).toContain(`asks ${server.url}/v2/models/small`);
    expect(found.seen.slice(-2)).toEqual([
      'degrade cpu-relaxed > remote ENGINE_TRAP',
      'route cpu-relaxed > remote',
    ]);
  } finally {
    await server.stop();
  }
});

test('the file that asks servers does not load', async ({ page }) => {
  const server = await serveSmall();
  try {
    await page.route('**/remote.mjs', (route) => route.abort());
    const ask = () =>
      page.evaluate((url) => {
        const { failureOf, modelUrl } = window.harness;
        const { load } = window.sardonyx;
        const nowhere = { exclude: [{ device: 'cpu' as const }], remote: { url } };
        return failureOf(load(modelUrl('small'), nowhere));
      }, server.url);
    const failure = await ask();
    expect(failure?.attempts?.at(-1)).toMatchObject({ route: 'remote', code: 'NETWORK_FAILED' });
    expect(failure?.message).toContain('remote.mjs');
    await page.unroute('**/remote.mjs');
    expect(await ask()).toBeUndefined();
  } finally {
    await server.stop();
  }
});

// `sardonyx serve` with the model "small", for pages of every origin.
async function serveSmall() {
  const folder = mkdtempSync(join(tmpdir(), 'sardonyx-'));
  writeFileSync(join(folder, 'small.onnx'), modelBytes('small')!);
  const server = await startServer(folder, '--cors', '*');
  return {
    url: server.url,
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

test('over the latency budget the quantized variant takes over', async ({ page }) => {
  const found = await page.evaluate(async () => {
    const { answerAll, swaps } = window.harness;
    const session = await window.sardonyx.load('/own-models/glyphs/glyphs.sardonyx.json', {
      storage: 'none',
      // Less than any run takes.
      latencyBudgetMs: 0.001,
    });
    const { variant: chosen } = session.route;
    await session.swap({ variant: 'fp32' });
    const seen = swaps.listen(session);
    let runs = 0;
    const x = new window.sardonyx.Tensor('float32', new Float32Array(1024), [1, 1, 32, 32]);
    const late = performance.now() + 60_000;
    for (; seen.length === 0 && performance.now() < late; runs++) await session.run({ glyph: x });
    await session.run({ glyph: x });
    const { variant, why } = session.route;
    const answers = await answerAll(session, session.manifest!, 'int8');
    return { chosen, seen, runs, variant, why, answers };
  });
  expect(found.chosen).toBe('int8');
  expect(found.variant).toBe('int8');
  expect(found.why[0]).toContain('latency budget');
  expect(found.runs).toBeGreaterThanOrEqual(45);
  expect(found.seen[0]).toBe('swap fp32-cpu-relaxed > int8-cpu-relaxed');
  for (const { difference, tolerance } of found.answers) {
    expect(difference).toBeLessThanOrEqual(tolerance);
  }
});
