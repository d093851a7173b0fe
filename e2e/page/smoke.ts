// Drives itself through the smoke test: what the page is, models against reference outputs.
import type { Session } from '../../web/index';
import { type Difference, compareSet, loadShared } from './golden';
import { runKnownAnswers, type Answered } from './known_answers';
import { step } from './self_driven';

/** In the address of the page, as JSON: what to do. */
export interface SmokePlan {
  /** Models of ../shared and their sets of reference outputs. */
  readonly golden: readonly { readonly model: string; readonly sets: readonly string[] }[];
  /** Variants of models/glyphs. */
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
export type GlyphsResult = readonly Answered[];

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

async function startUp(): Promise<Started> {
  const { load, Tensor } = window.sardonyx;
  const session = await load('/models/small.onnx');
  const x = new Tensor('float32', Float32Array.of(1, -1, 0.5, 2), [1, 4]);
  const { y } = await session.run({ x });
  const threads = await settledThreads(session);
  const { module } = session.route;
  await session.dispose();
  return {
    isolated: crossOriginIsolated,
    sharedArrayBuffer: typeof SharedArrayBuffer === 'function',
    module,
    threads,
    output: Array.from(y?.data as Float32Array),
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
for (const { model, sets } of plan.golden ?? []) await step(model, () => golden(model, sets));
for (const variant of plan.glyphs ?? []) {
  await step(`glyphs ${variant}`, () => runKnownAnswers('/own-models/glyphs', 'glyphs', variant));
}
