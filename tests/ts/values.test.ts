// Strings, sequences and optionals in the built library. Needs dist/: npm run build.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it, vi } from 'vitest';
import type * as Sardonyx from '../../web/index.js';
import { valuesModel } from './models.js';

const entry = resolve(process.env.SARDONYX_DIST ?? 'dist', 'index.mjs');
if (!existsSync(entry)) throw new Error('missing: dist/. Type: npm run build');
const { load, Router, Tensor } = (await import(pathToFileURL(entry).href)) as typeof Sardonyx;

// Loads share the machine with other tests.
vi.setConfig({ testTimeout: 60_000 });

const open: { dispose(): Promise<void> }[] = [];
afterAll(() => Promise.all(open.map((one) => one.dispose())));

const floats = (...values: number[]) =>
  new Tensor('float32', Float32Array.from(values), [values.length]);
const words = (...texts: string[]) => new Tensor('string', texts, [texts.length]);
const plain = (value: Sardonyx.Value | undefined): unknown =>
  value instanceof Tensor ? [...value.data] : value?.map(plain);

async function sessionOf(execution: 'worker' | 'inline') {
  const session = await load(valuesModel(), { execution });
  open.push(session);
  return session;
}

describe.each(['worker', 'inline'] as const)('%s execution', (execution) => {
  it('says of what kind inputs and outputs are', async () => {
    const session = await sessionOf(execution);
    expect(session.inputs.map(({ kind, type }) => `${kind} ${type}`)).toEqual([
      'tensor string',
      'sequence float32',
      'optional float32',
    ]);
    expect(session.outputs.map(({ kind }) => kind)).toEqual([
      'tensor',
      'sequence',
      'tensor',
      'tensor',
      'optional',
    ]);
  });

  it('takes and gives strings, sequences and optionals', async () => {
    const session = await sessionOf(execution);
    for (const extra of [floats(8, 9), null]) {
      for (const parts of [[], [floats(1, 2), floats()], [floats(5)]]) {
        const feeds = { words: words('a', '', 'größe😀'), parts, extra };
        const results = await session.run<Sardonyx.Value>(feeds);
        expect(plain(results.doubled)).toEqual(['aa', '', 'größe😀größe😀']);
        expect(plain(results.longer)).toEqual([...parts, floats(1)].map(plain));
        expect(plain(results.all)).toEqual([...parts.flatMap(plain), 1]);
        expect(plain(results.has)).toEqual([extra ? 1 : 0]);
        if (extra) expect(plain(results.same)).toEqual([8, 9]);
        else expect(results.same).toBeNull();
      }
    }
  });

  it('refuses what is of another kind or no text, and goes on', async () => {
    const session = await sessionOf(execution);
    const good = { words: words('a'), parts: [floats(1)], extra: null };
    const codeOf = (feeds: Record<string, unknown>) =>
      session.run({ ...good, ...feeds }).then(
        () => 'resolved',
        (thrown: unknown) => {
          const { code, where } = thrown as Sardonyx.SardonyxError;
          return `${code} ${where?.tensor}`;
        },
      );
    expect(await codeOf({ words: [words('a')] })).toBe('INPUT_DTYPE words');
    expect(await codeOf({ words: null })).toBe('INPUT_DTYPE words');
    expect(await codeOf({ words: floats(1) })).toBe('INPUT_DTYPE words');
    expect(await codeOf({ words: words('\ud83d') })).toBe('INPUT_DTYPE words');
    expect(await codeOf({ parts: floats(1) })).toBe('INPUT_DTYPE parts');
    expect(await codeOf({ parts: null })).toBe('INPUT_DTYPE parts');
    expect(await codeOf({ parts: [words('a')] })).toBe('INPUT_DTYPE parts');
    expect(await codeOf({ parts: [new Tensor('float32', new Float32Array(1), [1, 1])] })).toBe(
      'INPUT_SHAPE parts',
    );
    expect(await codeOf({ parts: [1] })).toBe('INVALID_ARGUMENT parts');
    expect(await codeOf({ extra: [floats(1, 2)] })).toBe('INPUT_DTYPE extra');
    expect(await codeOf({ extra: floats(1) })).toBe('INPUT_SHAPE extra');
    expect(await codeOf({})).toBe('resolved');
  });
});

it('warms up, writes strings into a given tensor, and lends no memory for them', async () => {
  const session = await sessionOf('worker');
  await session.warmup();
  const target = words('', '');
  const feeds = { words: words('x', 'y'), parts: [], extra: null };
  const results = await session.run<Sardonyx.Value>(feeds, { outputs: { doubled: target } });
  expect(results.doubled).toBe(target);
  expect(target.data).toEqual(['xx', 'yy']);
  expect(() => session.allocate('words', [2])).toThrow(/numbers/);
  expect(() => session.allocate('parts', [2])).toThrow(/numbers/);
});

it('goes through a Router', async () => {
  const router = new Router({ memoryBudget: 1 << 30 });
  open.push(router);
  const model = await router.load('values', valuesModel());
  const feeds = { words: words('x'), parts: [floats(3)], extra: floats(1, 2) };
  const results = await model.run<Sardonyx.Value>(feeds);
  expect(plain(results.longer)).toEqual([[3], [1]]);
});
