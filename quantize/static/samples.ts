// Inputs to calibrate and to compare with.
import {
  SardonyxError,
  Tensor,
  type Session,
  type Value,
  type ValueInfo,
} from '../../web/index.js';
import { makeFeed } from '../../web/demo/random_feeds.js';
import { seededNumbers } from '../../web/demo/seeded_numbers.js';
import { closedShape } from '../../worker/dtypes.js';

export type Feeds = Readonly<Record<string, Value>>;

/** The inputs of one run, made when they are needed. */
export interface Sample {
  /** What errors call it. */
  readonly name: string;
  /** Where an input comes from, for errors. */
  readonly files?: Readonly<Record<string, string>>;
  readonly feeds: (inputs: readonly ValueInfo[]) => Feeds | Promise<Feeds>;
}

/** Floats in [0, 1), integers 0 or 1; open dims are 1. */
export function randomSamples(count: number, seed: number): Sample[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `random sample ${i}`,
    feeds: (inputs) => randomFeeds(inputs, seededNumbers(seed + i)),
  }));
}

function randomFeeds(inputs: readonly ValueInfo[], next: () => number): Feeds {
  const needed = inputs.filter(({ optional }) => !optional);
  return Object.fromEntries(
    needed.map((info) => [info.name, makeFeed(info, closedShape(info.shape), 'random', next)]),
  );
}

/** Errors name the sample. */
export async function runSample(
  session: Session,
  sample: Sample,
  outputs: readonly string[],
): Promise<Readonly<Record<string, Tensor>>> {
  return naming(sample, async () => {
    const feeds = await sample.feeds(session.inputs);
    const results = await session.run(feeds, { outputs });
    for (const [name, value] of Object.entries(feeds)) {
      if (value instanceof Tensor) refuseNaN(name, value.data);
    }
    return results;
  });
}

/** What `work` rejects with names the sample, or the file that its tensor comes from. */
export async function naming<T>(
  { name, files = {} }: Sample,
  work: () => T | Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof SardonyxError)) throw thrown;
    const { code, message, where } = thrown;
    const file = where?.tensor === undefined ? undefined : files[where.tensor];
    throw new SardonyxError(code, `${file ?? name}: ${message}`, where);
  }
}

/** VALUE_RANGE. Infinities are let through: masks have them. */
export function refuseNaN(tensor: string, data: unknown): void {
  const isFloats = data instanceof Float32Array || data instanceof Float64Array;
  if (!isFloats || !data.some((number) => Number.isNaN(number))) return;
  throw new SardonyxError('VALUE_RANGE', `${tensor} has NaN`, { tensor });
}
