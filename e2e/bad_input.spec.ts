// Wrong models and wrong feeds: a typed error that names what is wrong, and everything goes on.
import type { Tensor as AnyTensor } from '../web/index';
import { badModels } from './models';
import type { Failure, WrongFeeds } from './page/harness';
import { expect, openPage, sharedPage, test } from './site';

const smallOutput = [1, 0, 1.5, 8];

function expectFailure(failure: Failure | undefined, code: string, names: readonly string[]): void {
  expect(failure).toMatchObject({ isSardonyxError: true, name: 'SardonyxError', code });
  for (const name of names) expect(failure?.message).toContain(name);
  expect(failure?.message).not.toBe('');
  expect(failure?.remedy).toBeTruthy();
}

test.describe('wrong models', () => {
  const page = sharedPage('isolated');
  for (const [title, { code, names }] of Object.entries(badModels)) {
    test(title, async () => {
      const found = await page().evaluate(async (title) => {
        const { load } = window.sardonyx;
        const { failureOf, modelUrl, runSmall } = window.harness;
        const before = await load(modelUrl('small'));
        const failure = await failureOf(load(modelUrl(title)));
        const bytes = await (await fetch(modelUrl(title))).arrayBuffer();
        const fromMemory = await failureOf(load(bytes));
        const after = await load(modelUrl('small'));
        const outputs = { before: await runSmall(before), after: await runSmall(after) };
        await Promise.all([before.dispose(), after.dispose()]);
        return { failure, fromMemory, kept: bytes.byteLength, ...outputs };
      }, title);
      expectFailure(found.failure, code, names);
      expect(found.failure?.scope).toBe('model');
      expectFailure(found.fromMemory, code, names);
      expect(found.kept).toBe(badModels[title]?.bytes().length);
      expect(found.before).toEqual(smallOutput);
      expect(found.after).toEqual(smallOutput);
    });
  }
});

test.describe('wrong sources', () => {
  const page = sharedPage('isolated');
  const sources = [
    { title: 'a web page', path: '/web-page/', code: 'NOT_A_MODEL', scope: 'network' },
    { title: 'a missing file', path: '/models/absent.onnx', code: 'HTTP_STATUS', scope: 'network' },
    {
      title: 'no server',
      path: 'http://127.0.0.1:9/x.onnx',
      code: 'NETWORK_FAILED',
      scope: 'network',
    },
  ];
  for (const { title, path, code, scope } of sources) {
    test(title, async () => {
      const found = await page().evaluate(async (path) => {
        const { load } = window.sardonyx;
        const { failureOf, modelUrl, runSmall } = window.harness;
        const failure = await failureOf(load(path));
        const session = await load(modelUrl('small'));
        const after = await runSmall(session);
        await session.dispose();
        return { failure, after };
      }, path);
      expectFailure(found.failure, code, []);
      expect(found.failure?.scope).toBe(scope);
      expect(found.failure?.where?.url).toContain(path);
      expect(found.after).toEqual(smallOutput);
    });
  }
});

test.describe('wrong feeds', () => {
  const cases: { title: WrongFeeds; code: string; names: string[] }[] = [
    { title: 'dtype', code: 'INPUT_DTYPE', names: ['x', 'int32', 'float32'] },
    { title: 'fixed dim', code: 'INPUT_SHAPE', names: ['x', '5'] },
    { title: 'rank', code: 'INPUT_SHAPE', names: ['x'] },
    { title: 'no input', code: 'INPUT_MISSING', names: ['x'] },
    { title: 'unknown name', code: 'INPUT_UNKNOWN', names: ['z'] },
  ];
  for (const way of ['isolated', 'plain'] as const) {
    test.describe(way, () => {
      const page = sharedPage(way);
      for (const { title, code, names } of cases)
        test(title, async () => {
          const found = await page().evaluate(async (title) => {
            const { failureOf, modelUrl, runSmall, wrongFeeds } = window.harness;
            const session = await window.sardonyx.load(modelUrl('small'));
            const wrong = wrongFeeds[title]();
            const failures = [];
            for (let i = 0; i < 3; i++) failures.push(await failureOf(session.run(wrong)));
            const after = await runSmall(session);
            await session.dispose();
            return { failures, after };
          }, title);
          for (const failure of found.failures) {
            expectFailure(failure, code, names);
            expect(failure?.scope).toBe('caller');
          }
          expect(found.after).toEqual(smallOutput);
        });
    });
  }
});

test.describe('wrong values', () => {
  const page = sharedPage('isolated');

  test('a tensor with fewer elements than its shape has', async () => {
    const failure = await page().evaluate(async () => {
      const { Tensor } = window.sardonyx;
      return window.harness.failureOf(
        Promise.resolve().then(() => new Tensor('float32', new Float32Array(3), [1, 4])),
      );
    });
    expectFailure(failure, 'INPUT_SIZE', []);
  });

  test('an output that is not there', async () => {
    const found = await page().evaluate(async () => {
      const { failureOf, modelUrl, runSmall, vector } = window.harness;
      const session = await window.sardonyx.load(modelUrl('small'));
      const failure = await failureOf(
        session.run({ x: vector(1, 2, 3, 4) }, { outputs: ['nothing'] }),
      );
      const after = await runSmall(session);
      await session.dispose();
      return { failure, after };
    });
    expectFailure(found.failure, 'OUTPUT_UNKNOWN', ['nothing']);
    expect(found.after).toEqual(smallOutput);
  });

  test('rows that no memory holds', async () => {
    const found = await page().evaluate(async () => {
      const { failureOf, modelUrl, rows } = window.harness;
      const session = await window.sardonyx.load(modelUrl('outer'));
      const huge = new window.sardonyx.Tensor('float32', new Float32Array(400_000), [400_000, 1]);
      const failure = await failureOf(session.run({ x: huge }));
      const { y } = await session.run({ x: rows(2, 1) });
      await session.dispose();
      return { failure, shape: y?.shape };
    });
    expect(found.failure?.isSardonyxError).toBe(true);
    expect(['OUT_OF_MEMORY', 'LIMIT_EXCEEDED']).toContain(found.failure?.code);
    expect(found.shape).toEqual([2, 2]);
  });
});

test.describe('values that a node refuses while it runs', () => {
  const page = sharedPage('isolated');

  test('an index out of range', async () => {
    const found = await page().evaluate(async () => {
      const { failureOf, modelUrl } = window.harness;
      const session = await window.sardonyx.load(modelUrl('gather'));
      const pick = (...indices: bigint[]): Promise<Record<string, AnyTensor>> =>
        session.run({
          indices: new window.sardonyx.Tensor('int64', BigInt64Array.from(indices), [
            indices.length,
          ]),
        });
      const failures = [await failureOf(pick(1n, 4n)), await failureOf(pick(-(2n ** 62n)))];
      const { y } = await pick(3n, -4n);
      await session.dispose();
      return { failures, y: Array.from(y?.data as Float32Array) };
    });
    for (const failure of found.failures) expectFailure(failure, 'INDEX_RANGE', ['pick']);
    expect(found.y).toEqual([4, 1]);
  });

  test('a shape that does not fit', async () => {
    const found = await page().evaluate(async () => {
      const { failureOf, modelUrl } = window.harness;
      const { Tensor } = window.sardonyx;
      const session = await window.sardonyx.load(modelUrl('reshape'));
      const fold = (...shape: bigint[]): Promise<Record<string, AnyTensor>> =>
        session.run({
          data: new Tensor('float32', new Float32Array(6), [6]),
          shape: new Tensor('int64', BigInt64Array.from(shape), [2]),
        });
      const failures = [];
      for (const shape of [
        [4n, 2n],
        [-1n, -1n],
        [-7n, 2n],
        [2n ** 40n, 2n ** 40n],
      ]) {
        failures.push(await failureOf(fold(...shape)));
      }
      const { y } = await fold(3n, -1n);
      await session.dispose();
      return { failures, shape: y?.shape };
    });
    for (const failure of found.failures) {
      expect(failure).toMatchObject({ isSardonyxError: true, scope: 'model' });
      expect(failure?.message).toContain('fold');
    }
    expect(found.shape).toEqual([3, 2]);
  });
});

test('a model newer than the engine is tried, with a warning', async ({ page, site }) => {
  await openPage(page, site.isolated);
  for (const [name, word] of [
    ['newer-opset', '99'],
    ['newer-ir', '99'],
  ] as const) {
    const found = await page.evaluate(async (name) => {
      const session = await window.sardonyx.load(window.harness.modelUrl(name));
      const { warnings } = (await session.explain()).model;
      return { warnings, output: await window.harness.runSmall(session) };
    }, name);
    expect(found.warnings.join()).toContain(word);
    expect(found.output).toEqual(smallOutput);
  }
});
