// Drives itself through the smoke test: what the page is, models against reference outputs.
import type { Session } from '../../web/index';
import { compareSet, loadShared } from './golden';
import type { Difference } from './measures';
import { runKnownAnswers, type Chosen } from './known_answers';
import { step } from './self_driven';
import { offlineOf } from './storage';

/** In the address of the page, as JSON: what to do. */
export interface SmokePlan {
  /** Models of ../shared and their sets of reference outputs. */
  readonly golden: readonly { readonly model: string; readonly sets: readonly string[] }[];
  /** Variants of models/glyphs to force. */
  readonly glyphs: readonly string[];
}

export interface Started {
  readonly isolated: boolean;
  readonly sharedArrayBuffer: boolean;
  readonly module: string;
  readonly threads: number;
  readonly output: readonly number[];
}

export type GoldenResult = Record<string, readonly Difference[]>;
export interface StoredResult {
  /** Of the first visit and of the second. */
  readonly visits: readonly { offline: string; code?: string; why: string; output: number[] }[];
  readonly listed: readonly { readonly name: string; readonly complete: boolean }[];
  readonly left: number;
}

export type GlyphsResult = Chosen;

const plan = JSON.parse(
  new URLSearchParams(location.search).get('plan') ?? '{}',
) as Partial<SmokePlan>;

const sharedMemory = typeof SharedArrayBuffer === 'function' && crossOriginIsolated;

/** Threads join after load(). */
async function settledThreads(session: Session): Promise<number> {
  for (let i = 0; i < 250 && sharedMemory && session.route.threads < 2; i++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return session.route.threads;
}

async function runSmall(session: Session): Promise<number[]> {
  const { Tensor } = window.sardonyx;
  const x = new Tensor('float32', Float32Array.of(1, -1, 0.5, 2), [1, 4]);
  const { y } = await session.run({ x });
  return Array.from(y?.data as Float32Array);
}

/** A manifest whose file is kept in this browser, and found there. */
async function stored(): Promise<StoredResult> {
  const { load, models } = window.sardonyx;
  const visits = [];
  for (let i = 0; i < 2; i++) {
    const session = await load('/manifests/right/m.sardonyx.json');
    const output = await runSmall(session);
    const { offline, code } = await offlineOf(session);
    const why = session.route.why.join('\n');
    visits.push({ offline, ...(code ? { code } : {}), why, output });
    await session.dispose();
  }
  const listed = await models.list();
  await models.remove('small');
  return { visits, listed, left: (await models.list()).length };
}

async function startUp(): Promise<Started> {
  const session = await window.sardonyx.load('/models/small.onnx');
  const output = await runSmall(session);
  const threads = await settledThreads(session);
  const module = session.route.module!;
  await session.dispose();
  return {
    isolated: crossOriginIsolated,
    sharedArrayBuffer: typeof SharedArrayBuffer === 'function',
    module,
    threads,
    output,
  };
}

async function golden(model: string, sets: readonly string[]): Promise<GoldenResult> {
  const session = await loadShared(model, {});
  const differences: Record<string, readonly Difference[]> = {};
  for (const set of sets) differences[set] = await compareSet(session, model, set);
  await session.dispose();
  return differences;
}

await step('start', startUp);
await step('stored', stored);
for (const { model, sets } of plan.golden ?? []) await step(model, () => golden(model, sets));
const glyphs = '/own-models/glyphs/glyphs.sardonyx.json';
for (const variant of plan.glyphs ?? []) {
  await step(`glyphs ${variant}`, () => runKnownAnswers(glyphs, { variant }));
}
await step('glyphs', () => runKnownAnswers(glyphs));
