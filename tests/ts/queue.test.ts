import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Job, RunQueue } from '../../web/queue.js';

// A job that ends when the test says so.
class ManualJob implements Job<string> {
  executed = 0;
  cancelled = 0;
  finish!: (value: string) => void;
  fail!: (reason: unknown) => void;

  execute(): Promise<string> {
    this.executed++;
    return new Promise((resolve, reject) => {
      this.finish = resolve;
      this.fail = reject;
    });
  }

  cancel(): void {
    this.cancelled++;
    this.finish('cancelled');
  }
}

const settled = (promise: Promise<unknown>) => {
  let count = 0;
  const bump = () => {
    count++;
  };
  promise.then(bump, bump);
  return () => count;
};

describe('RunQueue', () => {
  let queue: RunQueue;
  beforeEach(() => {
    queue = new RunQueue(3);
    vi.useFakeTimers();
  });
  afterEach(() => void vi.useRealTimers());

  const submit = (options = {}) => {
    const job = new ManualJob();
    const promise = queue.submit(job, options);
    promise.catch(() => undefined);
    return { job, promise };
  };

  it('executes at once when nothing else is under way', () => {
    expect(submit().job.executed).toBe(1);
  });

  it('runs one at a time, in order', async () => {
    const [a, b, c] = [submit(), submit(), submit()];
    expect([a.job.executed, b.job.executed, c.job.executed]).toEqual([1, 0, 0]);
    a.job.finish('a');
    await expect(a.promise).resolves.toBe('a');
    await vi.advanceTimersByTimeAsync(0);
    expect([b.job.executed, c.job.executed]).toEqual([1, 0]);
    b.job.fail(new Error('b'));
    await expect(b.promise).rejects.toThrow('b');
    await vi.advanceTimersByTimeAsync(0);
    c.job.finish('c');
    await expect(c.promise).resolves.toBe('c');
  });

  it('prefers a higher priority, and the earlier of two equal ones', async () => {
    const first = submit();
    const jobs = [submit(), submit({ priority: 1 }), submit({ priority: 1 })];
    const order: number[] = [];
    jobs.forEach(({ job }, index) => {
      job.execute = () => {
        order.push(index);
        return Promise.resolve('done');
      };
    });
    first.job.finish('first');
    await Promise.all(jobs.map(({ promise }) => promise));
    expect(order).toEqual([1, 2, 0]);
  });

  it('refuses with QUEUE_FULL beyond the limit, and takes again when there is room', async () => {
    const running = submit();
    const waiting = [submit(), submit(), submit()];
    await expect(submit().promise).rejects.toMatchObject({ code: 'QUEUE_FULL' });
    running.job.finish('');
    await running.promise;
    await vi.advanceTimersByTimeAsync(0);
    expect(settled(submit().promise)()).toBe(0);
    expect(waiting[0]!.job.executed).toBe(1);
  });

  it('with limit 0 takes one run at a time', async () => {
    queue = new RunQueue(0);
    const first = submit();
    await expect(submit().promise).rejects.toMatchObject({ code: 'QUEUE_FULL' });
    first.job.finish('');
    await first.promise;
    await vi.advanceTimersByTimeAsync(0);
    expect(submit().job.executed).toBe(1);
  });

  it('rejects an aborted job at once with the reason, and the next starts when the engine is free', async () => {
    const reason = { mine: true };
    const controller = new AbortController();
    const first = submit({ signal: controller.signal });
    const next = submit();
    const count = settled(first.promise);
    first.job.cancel = () => {
      first.job.cancelled++;
    };
    controller.abort(reason);
    await expect(first.promise).rejects.toBe(reason);
    expect(first.job.cancelled).toBe(1);
    expect(next.job.executed).toBe(0);
    first.job.finish('too late');
    await vi.advanceTimersByTimeAsync(0);
    expect(count()).toBe(1);
    expect(next.job.executed).toBe(1);
  });

  it('never executes a job that was aborted while it waited', async () => {
    const controller = new AbortController();
    const first = submit();
    const second = submit({ signal: controller.signal });
    controller.abort('why');
    await expect(second.promise).rejects.toBe('why');
    first.job.finish('');
    await vi.advanceTimersByTimeAsync(0);
    expect([second.job.executed, second.job.cancelled]).toEqual([0, 0]);
  });

  it('refuses a signal that is aborted already', async () => {
    const { job, promise } = submit({ signal: AbortSignal.abort('before') });
    await expect(promise).rejects.toBe('before');
    expect(job.executed).toBe(0);
  });

  it('rejects with RUN_TIMEOUT, running or waiting', async () => {
    const first = submit({ timeoutMs: 50 });
    const second = submit({ timeoutMs: 20 });
    await vi.advanceTimersByTimeAsync(20);
    await expect(second.promise).rejects.toMatchObject({ code: 'RUN_TIMEOUT', scope: 'caller' });
    expect(first.job.cancelled).toBe(0);
    await vi.advanceTimersByTimeAsync(30);
    await expect(first.promise).rejects.toMatchObject({ code: 'RUN_TIMEOUT' });
    expect(first.job.cancelled).toBe(1);
    expect(second.job.executed).toBe(0);
  });

  it('takes an endless time-out', async () => {
    const { job, promise } = submit({ timeoutMs: Infinity });
    await vi.advanceTimersByTimeAsync(1000);
    job.finish('late');
    await expect(promise).resolves.toBe('late');
  });

  it('leaves no timer behind', async () => {
    const { job, promise } = submit({ timeoutMs: 50 });
    job.finish('');
    await promise;
    expect(vi.getTimerCount()).toBe(0);
  });

  it('latest-wins replaces the waiting one, never the running one or ordinary ones', async () => {
    const running = submit({ latest: true });
    const ordinary = submit();
    const old = submit({ latest: true });
    const fresh = submit({ latest: true });
    await expect(old.promise).rejects.toMatchObject({ code: 'RUN_SUPERSEDED' });
    running.job.finish('running');
    await expect(running.promise).resolves.toBe('running');
    await vi.advanceTimersByTimeAsync(0);
    ordinary.job.finish('ordinary');
    await vi.advanceTimersByTimeAsync(0);
    fresh.job.finish('fresh');
    await expect(fresh.promise).resolves.toBe('fresh');
    expect(old.job.executed).toBe(0);
  });

  it('close() rejects everything once and all that comes later', async () => {
    const [running, waiting] = [submit(), submit()];
    const counts = [settled(running.promise), settled(waiting.promise)];
    queue.close('closed');
    await expect(running.promise).rejects.toBe('closed');
    await expect(waiting.promise).rejects.toBe('closed');
    await expect(submit().promise).rejects.toBe('closed');
    expect(running.job.cancelled).toBe(1);
    expect(waiting.job.executed).toBe(0);
    await vi.advanceTimersByTimeAsync(0);
    expect(counts.map((count) => count())).toEqual([1, 1]);
  });
});
