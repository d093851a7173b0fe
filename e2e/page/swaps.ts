// What tests of swaps call in their pages, as window.harness.swaps.
import type { RouteEventDetail, Session, Swap } from '../../web/index';

/** All that the session dispatches from now on, as "event from > to code". */
function listen(session: Session): string[] {
  const seen: string[] = [];
  for (const name of ['route', 'degrade', 'recover', 'swap', 'rollback']) {
    session.addEventListener(name, (event) => {
      const { from, to, error } = (event as CustomEvent<RouteEventDetail>).detail;
      seen.push([name, from, '>', to, ...(error ? [error.code] : [])].join(' '));
    });
  }
  return seen;
}

/** The small model's answer to run `i`, which no other run has. */
const answerOf = (i: number): number[] => [i, 2 * (i + 0.5), 0, 4];

// Runs under way until the last swap has ended, however fast they are.
const MANY = 50;

interface Load {
  readonly submitted: number;
  readonly settled: number;
  /** Settled in the order of their submission. */
  readonly inOrder: boolean;
  readonly wrong: number;
  readonly routes: readonly string[];
}

/** `count` concurrent runs of the small model, and more for as long as `list` is swapped through. */
async function underLoad(session: Session, count: number, list: readonly Swap[]): Promise<Load> {
  const order: number[] = [];
  let wrong = 0;
  let swapping = true;
  const runs: Promise<void>[] = [];
  const submit = async (i: number) => {
    // Some in the memory of the route, which may be gone when their turn comes.
    const x = i < count && i % 10 === 0 ? session.allocate('x') : window.harness.vector(0, 0, 0, 0);
    x.data.set([i, i + 0.5, -1, 1] as never);
    const { y } = await session.run({ x });
    order.push(i);
    if (!answerOf(i).every((value, n) => y?.data[n] === value)) wrong++;
    if (swapping && runs.length - order.length < MANY) runs.push(submit(runs.length));
  };
  for (let i = 0; i < count; i++) runs.push(submit(i));
  const routes: string[] = [];
  for (const to of list) routes.push((await session.swap(to)).id);
  swapping = false;
  await Promise.all(runs);
  const inOrder = order.every((value, i) => value === i);
  return { submitted: runs.length, settled: order.length, inOrder, wrong, routes };
}

/** Engine workers that this page starts from now on. */
function watchWorkers(): Worker[] {
  const workers: Worker[] = [];
  window.Worker = class extends window.Worker {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options);
      workers.push(this);
    }
  };
  return workers;
}

/** The workers that this page has, of those that it starts from now on: at this moment, and at most so far. */
function countWorkers(): { now: number; most: number } {
  const alive = new Set<Worker>();
  const count = { now: 0, most: 0 };
  const update = () => {
    count.now = alive.size;
    count.most = Math.max(count.most, count.now);
  };
  window.Worker = class extends window.Worker {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options);
      alive.add(this);
      update();
    }
    override terminate(): void {
      alive.delete(this);
      update();
      super.terminate();
    }
  };
  return count;
}

export const swaps = { countWorkers, listen, underLoad, watchWorkers };
