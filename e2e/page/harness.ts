// What tests call in their pages, as window.harness.
import type { Session, SardonyxError, Tensor } from '../../web/index';
import { decodeGreedily, transduce } from './decoders';
import { compareDevices, madeUpFeeds } from './devices';
import { watchGpu } from './gpu_watch';
import { compareSet, loadShared } from './golden';
import { answerAll } from './known_answers';
import { router } from './router';
import { storage } from './storage';
import { compareStream } from './streams';
import { swaps } from './swaps';

export interface Failure {
  readonly isSardonyxError: boolean;
  readonly name: string;
  readonly code?: string;
  readonly scope?: string;
  readonly message: string;
  readonly remedy?: string;
  readonly where?: SardonyxError['where'];
  readonly attempts?: SardonyxError['attempts'];
}

/** What `work` rejects with, in a form that reaches the test; undefined when it does not. */
export async function failureOf(work: Promise<unknown>): Promise<Failure | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (!(error instanceof Error))
      return { isSardonyxError: false, name: 'value', message: String(error) };
    const { name, message } = error;
    if (!(error instanceof window.sardonyx.SardonyxError))
      return { isSardonyxError: false, name, message };
    const { code, scope, remedy, where, attempts } = error;
    return {
      isSardonyxError: true,
      name,
      message,
      code,
      scope,
      remedy,
      ...(where && { where }),
      ...(attempts && { attempts }),
    };
  }
}

const modelUrl = (name: string): string => `/models/${encodeURIComponent(name)}.onnx`;

const vector = (...values: number[]): Tensor =>
  new window.sardonyx.Tensor('float32', Float32Array.from(values), [1, values.length]);

/** Runs the small model, y = relu(x · [1, 2, 3, 4]). */
async function runSmall(session: Pick<Session, 'run'>): Promise<number[]> {
  const { y } = await session.run({ x: vector(1, -1, 0.5, 2) });
  return Array.from(y?.data as Float32Array);
}

const rows = (count: number, width: number): Tensor =>
  new window.sardonyx.Tensor(
    'float32',
    Float32Array.from({ length: count * width }, (_, i) => ((i * 37) % 101) / 101 - 0.5),
    [count, width],
  );

/** Feeds that the small model must refuse. */
const wrongFeeds = {
  dtype: () => ({ x: new window.sardonyx.Tensor('int32', new Int32Array(4), [1, 4]) }),
  'fixed dim': () => ({ x: vector(1, 2, 3, 4, 5) }),
  rank: () => ({ x: new window.sardonyx.Tensor('float32', new Float32Array(4), [4]) }),
  'no input': () => ({}),
  'unknown name': () => ({ x: vector(1, 2, 3, 4), z: vector(1, 2, 3, 4) }),
} satisfies Record<string, () => Record<string, Tensor>>;

export type WrongFeeds = keyof typeof wrongFeeds;

/** Gaps between turns of the main thread's event loop while `work` runs, in milliseconds. */
export async function gapsDuring(
  work: Promise<unknown>,
): Promise<{ timers: number[]; frames: number }> {
  const timers: number[] = [];
  let frames = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    timers.push(now - last);
    last = now;
  }, 4);
  let counting = true;
  const count = (): void => {
    frames++;
    if (counting) requestAnimationFrame(count);
  };
  requestAnimationFrame(count);
  try {
    await work;
  } finally {
    clearInterval(timer);
    counting = false;
  }
  return { timers, frames };
}

export const harness = {
  answerAll,
  compareDevices,
  compareSet,
  compareStream,
  decodeGreedily,
  failureOf,
  gapsDuring,
  loadShared,
  madeUpFeeds,
  modelUrl,
  router,
  rows,
  runSmall,
  storage,
  swaps,
  transduce,
  vector,
  watchGpu,
  wrongFeeds,
};

window.harness = harness;
