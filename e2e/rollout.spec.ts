// Candidate versions, with real files, storage and reloads. The stable version is 1.0.0, the candidate 2.0.0.
import type { Page } from '@playwright/test';
import type { ShadowNews, TelemetryEvent } from '../web/index';
import { asked } from './manifests';
import { expect, openPage, test } from './site';

const right = [1, 0, 1.5, 8];

interface Visit {
  readonly version?: string;
  readonly why: string;
  readonly before: number[];
  readonly outputs: number[];
  readonly events: string[];
  readonly offline: string;
  readonly client?: string;
}

/** Loads a manifest of e2e/manifests.ts, runs it before and after its events, and ends. */
const visit = (page: Page, name: string): Promise<Visit> =>
  page.evaluate(async (name) => {
    const { runSmall, storage, swaps } = window.harness;
    const session = await window.sardonyx.load(storage.manifestUrl(name));
    const events = swaps.listen(session);
    const stored = storage.offlineOf(session);
    const before = await runSmall(session);
    const { offline } = await stored;
    const outputs = await runSmall(session);
    const { version, why } = session.route;
    await session.dispose();
    const entry = await (
      await caches.open('sardonyx-rollouts')
    ).match('https://sardonyx.invalid/rollouts');
    const saved = (await entry?.json()) as { client: string } | undefined;
    return {
      ...(version === undefined ? {} : { version }),
      why: why.join('\n'),
      before,
      outputs,
      events,
      offline,
      ...(saved ? { client: saved.client } : {}),
    };
  }, name);

/** Of all candidate versions that this browser has run. */
const countsOf = (page: Page): Promise<object[]> =>
  page.evaluate(async () => {
    const cache = await caches.open('sardonyx-rollouts');
    const entry = await cache.match('https://sardonyx.invalid/rollouts');
    const { records } = (await entry!.json()) as { records: Record<string, object> };
    return Object.values(records);
  });

const stored = (page: Page): Promise<string[]> =>
  page.evaluate(async () => {
    const list = await window.sardonyx.models.list();
    return list.map(({ version, complete }) => `${version} ${complete}`).sort();
  });

const askedFor = (folder: string, file: string) =>
  [...asked].find(([path]) => decodeURIComponent(path) === `/manifests/${folder}/${file}`)?.[1] ??
  0;

test.beforeEach(async ({ page, site }) => {
  await openPage(page, site.isolated);
});

for (const { wrong, code } of [
  { wrong: 'hash', code: 'FILE_MISMATCH' },
  { wrong: 'answer', code: 'SELFTEST_FAILED' },
]) {
  test(`a candidate of a wrong ${wrong} leaves the stable version, and is not tried again`, async ({
    page,
    site,
  }) => {
    const name = `rollout of a wrong ${wrong}`;
    const first = await visit(page, name);
    expect(first).toMatchObject({ version: '1.0.0', before: right, outputs: right });
    expect(first.offline).toBe('ready');
    expect(first.why).toContain('version 2.0.0 did not start');
    expect(first.events).toEqual([`rollback small@2.0.0 > fp32-cpu-relaxed ${code}`]);
    const manifests = askedFor(`version 2 of a wrong ${wrong}`, 'm.sardonyx.json');
    expect(manifests).toBeGreaterThan(0);

    await openPage(page, site.isolated);
    const second = await visit(page, name);
    expect(second).toMatchObject({ version: '1.0.0', before: right, outputs: right, events: [] });
    expect(second.why).toContain('version 2.0.0 was rolled back');
    expect(askedFor(`version 2 of a wrong ${wrong}`, 'm.sardonyx.json')).toBe(manifests);
  });
}

for (const { name, why } of [
  { name: 'rollout of nothing', why: '404' },
  { name: 'rollout of another version', why: 'version is 1.0.0' },
  { name: 'rollout of a stalled manifest', why: 'no byte came in 4 s' },
]) {
  test(`a ${name} leaves the stable version`, async ({ page }) => {
    const found = await visit(page, name);
    expect(found).toMatchObject({ version: '1.0.0', before: right, outputs: right, events: [] });
    expect(found.why).toContain('version 2.0.0 can not be had');
    expect(found.why).toContain(why);
  });
}

test('a file that stalls leaves the stable version, and is tried again', async ({ page, site }) => {
  const first = await visit(page, 'rollout of a stalled file');
  expect(first).toMatchObject({ version: '1.0.0', before: right, outputs: right });
  expect(first.why).toContain('no byte came in 20 s');
  expect(first.events).toEqual(['rollback small@2.0.0 > fp32-cpu-relaxed NETWORK_FAILED']);

  // The stable version's file, which is stored by then, has the same contents.
  await openPage(page, site.isolated);
  const second = await visit(page, 'rollout of a stalled file');
  expect(second).toMatchObject({ version: '2.0.0', before: right, outputs: right });
});

test('runs of two tabs are added up', async ({ page, context, site }) => {
  const other = await context.newPage();
  await openPage(other, site.isolated);
  const tabs = [page, other];
  const visits = await Promise.all(tabs.map((tab) => visit(tab, 'rollout to all')));
  for (const { version } of visits) expect(version).toBe('2.0.0');
  // Two in each visit.
  await expect.poll(() => countsOf(page)).toEqual([{ runs: 4, errors: 0 }]);
});

test('a good candidate serves, and both versions are kept for use without a network', async ({
  page,
  site,
}) => {
  const found = await visit(page, 'rollout to all');
  expect(found).toMatchObject({ version: '2.0.0', outputs: right, events: [], offline: 'ready' });
  expect(found.why).toContain('candidate version 2.0.0');
  expect(await stored(page)).toEqual(['1.0.0 true', '2.0.0 true']);

  await openPage(page, site.isolated);
  await page.route('**/manifests/**', (route) => route.abort());
  const offline = await visit(page, 'rollout to all');
  expect(offline).toMatchObject({ version: '2.0.0', outputs: right });
});

test('a client stays in its bucket', async ({ page, site }) => {
  const visits: Visit[] = [];
  for (let i = 0; i < 3; i++) {
    await openPage(page, site.isolated);
    visits.push(await visit(page, 'rollout to half'));
  }
  expect(visits[0]!.client).toMatch(/^[0-9a-f]{32}$/);
  expect(new Set(visits.map(({ client }) => client)).size).toBe(1);
  expect(new Set(visits.map(({ version }) => version)).size).toBe(1);
});

test('a candidate that traps again and again is left, with right answers throughout', async ({
  page,
  site,
}) => {
  const found = await page.evaluate(async () => {
    const { runSmall, storage, swaps } = window.harness;
    const workers = swaps.watchWorkers();
    const told: string[] = [];
    const session = await window.sardonyx.load(storage.manifestUrl('rollout to all'), {
      assets: { base: '/broken/demand/' },
      onTelemetry(event) {
        const { type, version } = event;
        told.push([type, version, ...(event.type === 'error' ? [event.code] : [])].join(' '));
        throw new Error('of the hook');
      },
    });
    const { version: first, id } = session.route;
    const seen = swaps.listen(session);
    await storage.offlineOf(session);
    const outputs = [await runSmall(session)];
    for (let i = 0; i < 3; i++) {
      workers.at(-1)!.postMessage({ type: 'trap' });
      outputs.push(await runSmall(session));
    }
    const { version, why } = session.route;
    const { version: manifest } = session.manifest!;
    await session.dispose();
    return { first, id, version, manifest, why, outputs, seen, told };
  });
  expect(found).toMatchObject({ first: '2.0.0', version: '1.0.0', manifest: '1.0.0' });
  expect(found.id).toBe('fp32-cpu-relaxed@2.0.0');
  expect(found.why[0]).toContain('version 2.0.0 was rolled back: 3 of');
  expect(found.outputs).toEqual([right, right, right, right]);
  expect(found.seen.filter((event) => event.startsWith('rollback'))).toEqual([
    expect.stringContaining('fp32-cpu-simd@2.0.0 > fp32-cpu-relaxed'),
  ]);
  expect(found.told).toContain('route 2.0.0');
  expect(found.told.filter((event) => event === 'error 2.0.0 ENGINE_TRAP')).toHaveLength(3);
  expect(found.told).toContain('verdict 2.0.0');
  expect(found.told.at(-1)).toBe('latency 1.0.0');

  await openPage(page, site.isolated);
  const second = await visit(page, 'rollout to all');
  expect(second).toMatchObject({ version: '1.0.0', outputs: right });
  expect(second.why).toContain('3 of');
  expect(await stored(page)).toEqual(['1.0.0 true']);
});

test('swap() goes to the stable version and back, and not to one that was rolled back', async ({
  page,
}) => {
  const found = await page.evaluate(async () => {
    const { runSmall, storage, swaps } = window.harness;
    const workers = swaps.watchWorkers();
    const session = await window.sardonyx.load(storage.manifestUrl('rollout to all'), {
      assets: { base: '/broken/demand/' },
    });
    const seen = swaps.listen(session);
    const versions = [session.route.version];
    const outputs = [await runSmall(session)];
    for (const version of ['1.0.0', '2.0.0']) {
      versions.push((await session.swap({ version })).version);
      outputs.push(await runSmall(session));
    }
    const rollbacks = () => seen.filter((event) => event.startsWith('rollback')).length;
    const early = rollbacks();
    for (let i = 0; i < 3; i++) {
      workers.at(-1)!.postMessage({ type: 'trap' });
      outputs.push(await runSmall(session));
    }
    const refused = await session.swap({ version: '2.0.0' }).catch((thrown: unknown) => thrown);
    const { code, message } = refused as { code: string; message: string };
    const { version } = session.route;
    outputs.push(await runSmall(session));
    await session.dispose();
    return { versions, outputs, early, late: rollbacks(), code, message, version };
  });
  expect(found).toMatchObject({ early: 0, late: 1, code: 'NO_CANDIDATE', version: '1.0.0' });
  expect(found.versions).toEqual(['2.0.0', '1.0.0', '2.0.0']);
  expect(found.message).toContain('version 2.0.0 was rolled back: 3 of');
  expect(found.outputs).toEqual(Array.from({ length: 7 }, () => right));
});

test('a candidate that is slower than its budget is left, with right answers throughout', async ({
  page,
  site,
}) => {
  const found = await page.evaluate(async () => {
    const { runSmall, storage, swaps } = window.harness;
    const session = await window.sardonyx.load(storage.manifestUrl('rollout of a slow version'));
    const { version: first } = session.route;
    const seen = swaps.listen(session);
    const outputs = new Set<string>();
    // Five runs warm it up, two windows of twenty decide.
    for (let i = 0; i < 44; i++) outputs.add(String(await runSmall(session)));
    const before = [...seen];
    const moved = new Promise((done) => session.addEventListener('rollback', done));
    outputs.add(String(await runSmall(session)));
    await moved;
    outputs.add(String(await runSmall(session)));
    const { version, why } = session.route;
    await session.dispose();
    return { first, version, why: why[0], before, seen, outputs: [...outputs] };
  });
  expect(found).toMatchObject({ first: '2.0.0', version: '1.0.0', before: [] });
  expect(found.why).toContain('95 % of its runs do not stay below 0.001 ms');
  expect(found.seen).toEqual([
    'rollback fp32-cpu-relaxed@2.0.0 > fp32-cpu-relaxed',
    'route fp32-cpu-relaxed@2.0.0 > fp32-cpu-relaxed',
  ]);
  expect(found.outputs).toEqual([String(right)]);

  await openPage(page, site.isolated);
  const second = await visit(page, 'rollout of a slow version');
  expect(second).toMatchObject({ version: '1.0.0', outputs: right, events: [] });
  expect(second.why).toContain('95 % of its runs');
});

test('a candidate that a swap chose is watched as one of the bucket', async ({ page, site }) => {
  const found = await page.evaluate(async () => {
    const { failureOf, runSmall, storage, swaps } = window.harness;
    const workers = swaps.watchWorkers();
    const session = await window.sardonyx.load(storage.manifestUrl('rollout to nobody'), {
      assets: { base: '/broken/demand/' },
    });
    const outputs = [await runSmall(session)];
    const { version } = await session.swap({ version: 'candidate' });
    const seen = swaps.listen(session);
    for (let i = 0; i < 3; i++) {
      workers.at(-1)!.postMessage({ type: 'trap' });
      outputs.push(await runSmall(session));
    }
    const { version: last } = session.route;
    const refused = await failureOf(session.swap({ version: 'candidate' }));
    await session.dispose();
    return { version, last, seen, outputs, refused };
  });
  expect(found).toMatchObject({ version: '2.0.0', last: '1.0.0' });
  expect(found.refused).toMatchObject({ code: 'NO_CANDIDATE' });
  expect(found.outputs).toEqual([right, right, right, right]);
  // The second trap in a row leads to another route of the candidate.
  expect(found.seen.filter((event) => event.startsWith('rollback'))).toEqual([
    expect.stringContaining('fp32-cpu-simd@2.0.0 > fp32-cpu-relaxed'),
  ]);
  expect(await countsOf(page)).toEqual([
    // Three traps, and the two runs that a new worker gave results for.
    { runs: 5, errors: 3, rolledBack: 'version 2.0.0 was rolled back: 3 of 5 runs failed' },
  ]);

  await openPage(page, site.isolated);
  const forced = await page.evaluate(async () => {
    const { failureOf, storage } = window.harness;
    const url = storage.manifestUrl('rollout to nobody');
    return failureOf(window.sardonyx.load(url, { force: { version: '2.0.0' } }));
  });
  expect(forced).toMatchObject({ code: 'NO_CANDIDATE' });
});

test('a shadow repeats the runs in a worker of its own, and is stored and removed with the rollout', async ({
  page,
  site,
}) => {
  const found = await page.evaluate(async () => {
    const { runSmall, storage, swaps } = window.harness;
    const workers = swaps.watchWorkers();
    const told: ShadowNews[] = [];
    const session = await window.sardonyx.load(storage.manifestUrl('rollout to all'), {
      shadow: true,
      onTelemetry: (event) => event.type === 'shadow' && told.push(event),
    });
    const { version } = session.route;
    await storage.offlineOf(session);
    const outputs: number[][] = [];
    while (told.length < 5) {
      outputs.push(await runSmall(session));
      // In memory of the engine that the next run uses too.
      const x = session.allocate('x');
      x.data.set([1, -1, 0.5, 2] as never);
      const { y } = await session.run({ x });
      x.data.fill(9 as never);
      outputs.push(Array.from(y!.data as Float32Array));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const { length } = workers;
    await session.dispose();
    return { version, last: session.route.version, told, outputs, workers: length };
  });
  expect(found).toMatchObject({ version: '1.0.0', last: '1.0.0' });
  // The session's, the shadow's, and those that only store files.
  expect(found.workers).toBeGreaterThanOrEqual(2);
  for (const outputs of found.outputs) expect(outputs).toEqual(right);
  for (const event of found.told) {
    expect(event).toMatchObject({
      version: '1.0.0',
      candidate: '2.0.0',
      candidateRoute: 'fp32-cpu-relaxed@2.0.0',
      differences: [{ output: 'y', maxAbs: 0, maxRel: 0 }],
      stopped: false,
    });
  }
  await expect.poll(() => page.workers().length).toBe(0);
  await expect.poll(() => stored(page)).toEqual(['1.0.0 true', '2.0.0 true']);
  const counts = (await countsOf(page)) as { runs: number; errors: number }[];
  expect(counts).toEqual([{ runs: found.told.length, errors: 0 }]);

  await openPage(page, site.isolated);
  await page.evaluate(async () => {
    const { storage } = window.harness;
    const url = storage.manifestUrl('rollout to all');
    const session = await window.sardonyx.load(url, { exclude: [{ version: 'candidate' }] });
    await storage.offlineOf(session);
    await session.dispose();
  });
  expect(await stored(page)).toEqual(['1.0.0 true']);
});

test('a shadow that traps again and again stops, and the session serves on', async ({ page }) => {
  const found = await page.evaluate(async () => {
    const { runSmall, storage, swaps } = window.harness;
    const workers = swaps.watchWorkers();
    const told: TelemetryEvent[] = [];
    const session = await window.sardonyx.load(storage.manifestUrl('rollout to all'), {
      shadow: true,
      storage: 'none',
      assets: { base: '/broken/demand/' },
      onTelemetry: (event) => told.push(event),
    });
    const seen = swaps.listen(session);
    const shadows = () => told.filter((event) => event.type === 'shadow');
    const outputs: number[][] = [];
    const until = async (holds: () => boolean) => {
      while (!holds()) {
        outputs.push(await runSmall(session));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    for (let traps = 1; traps <= 3; traps++) {
      const before = shadows().length;
      await until(() => shadows().length > before);
      const worker = workers.at(-1)!;
      const post = worker.postMessage.bind(worker);
      worker.postMessage = (message: { type: string }, transfer?: unknown) => {
        if (message.type === 'run') post({ type: 'trap' });
        post(message, transfer as Transferable[]);
      };
      await until(() => shadows().filter(({ code }) => code === 'ENGINE_TRAP').length === traps);
    }
    const { length } = shadows();
    for (let i = 0; i < 5; i++) outputs.push(await runSmall(session));
    await new Promise((resolve) => setTimeout(resolve, 200));
    const { version } = session.route;
    const last = shadows().at(-1)!;
    await session.dispose();
    const verdicts = told.filter(({ type }) => type === 'verdict');
    return { version, seen, outputs, last, more: shadows().length - length, verdicts };
  });
  expect(found).toMatchObject({
    version: '1.0.0',
    seen: [],
    more: 0,
    last: { code: 'ENGINE_TRAP', stopped: true },
    verdicts: [{ candidate: '2.0.0', verdict: 'rolled back', errors: 3 }],
  });
  for (const outputs of found.outputs) expect(outputs).toEqual(right);
});
