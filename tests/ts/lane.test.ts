// Both sides of a lane, on one thread but for the last tests.
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import { beforeEach, describe, expect, it } from 'vitest';
import { Lane, LANE_BYTES, type LaneRun } from '../../worker/lane.js';
import { Packet } from '../../worker/packet.js';
import type { Result } from '../../worker/result.js';

const run = (id: number, data: LaneRun['feeds'][number]['data'] = 64): LaneRun => ({
  id,
  feeds: [{ input: 0, type: 'float32', shape: [2], data }],
  outputs: [0, 2],
});
const result = (bytes: Uint8Array): Result => ({
  output: 2,
  type: 'float32',
  shape: [bytes.length / 4],
  bytes,
  isTensor: true,
});
const floats = (...values: number[]) => new Uint8Array(Float32Array.of(...values).buffer);
const figures = { ms: 0.25, alone: true, memoryBytes: 2 ** 31 };

let page: Lane;
let worker: Lane;
// Takes what is there.
const next = (received = 0) => worker.next(received, Infinity, 0);
beforeEach(() => {
  page = new Lane();
  worker = new Lane(page.buffer);
  worker.open();
});

describe('a run', () => {
  it('goes there and its answer back, as often as wanted', () => {
    for (let id = 1; id <= 3; id++) {
      expect(page.give(run(id, Float32Array.of(id, 7)), true)).toBe(true);
      const taken = next()!;
      expect(taken).toMatchObject({ id, outputs: [0, 2] });
      expect(taken.feeds).toEqual([{ input: 0, type: 'float32', shape: [2], data: floats(id, 7) }]);
      expect(worker.answer(figures, [result(floats(id, 8, 9))])).toBe(true);
      const answer = page.await(0)!;
      expect(answer).toMatchObject(figures);
      expect(answer.outputs).toEqual([
        { output: 2, type: 'float32', shape: [3], data: Float32Array.of(id, 8, 9) },
      ]);
      expect(answer.outputs[0]!.data.buffer).toBeInstanceOf(ArrayBuffer);
    }
  });

  it('may name memory of the engine', () => {
    page.give(run(1, 0xffff_ff00), true);
    expect(next()!.feeds[0]!.data).toBe(0xffff_ff00);
  });

  it('is refused while the worker is away, busy, or when it does not fit', () => {
    expect(page.give(run(1, new Uint8Array(LANE_BYTES)), true)).toBe(false);
    expect(page.give(run(1), true)).toBe(true);
    expect(page.give(run(2), true)).toBe(false);
    expect(new Lane().give(run(1), true)).toBe(false);
  });

  it('that the page waited for in vain is answered by message', () => {
    page.give(run(1), true);
    expect(page.await(0)).toBeUndefined();
    expect(next()!.id).toBe(1);
    expect(worker.answer(figures, [])).toBe(false);
    worker.release();
    expect(page.give(run(2), true)).toBe(true);
  });

  it('that the page does not wait for is answered by message', () => {
    page.give(run(1), false);
    expect(next()!.id).toBe(1);
    expect(worker.answer(figures, [])).toBe(false);
    worker.release();
    expect(page.give(run(2), false)).toBe(true);
  });

  it('is told when the answer comes by message', () => {
    page.give(run(1, Float32Array.of(1, 2)), true);
    expect(next()!.id).toBe(1);
    expect(worker.answer(figures, [result(new Uint8Array(LANE_BYTES))])).toBe(false);
    expect(worker.answer(figures, [{ ...result(floats(1)), isTensor: false }])).toBe(false);
    worker.release();
    expect(page.await(1000)).toBeUndefined();
  });

  it('is cancelled by number', () => {
    page.cancel(4);
    expect([3, 4, 5].map((id) => worker.isCancelled(id))).toEqual([true, true, false]);
  });
});

describe('the worker goes to its event loop', () => {
  it('for a message, before and after it looks', () => {
    page.mail();
    expect(next()).toBeUndefined();
    expect(page.give(run(1), true)).toBe(false);
    worker.open();
    expect(next()).toBeUndefined();
    worker.open();
    expect(page.give(run(1), true)).toBe(true);
    expect(next(1)!.id).toBe(1);
  });

  it('after a run that was there before the message', () => {
    page.give(run(1), true);
    page.mail();
    expect(next()!.id).toBe(1);
    expect(worker.answer(figures, [])).toBe(true);
    expect(next()).toBeUndefined();
  });

  it('when its time is over, but not from a run', () => {
    expect(worker.next(0, performance.now() + 1, 0)).toBeUndefined();
    expect(page.give(run(1), true)).toBe(false);
    worker.open();
    page.give(run(1), true);
    expect(worker.next(0, 0, 0)!.id).toBe(1);
  });
});

it('a packet keeps numbers and tensors, up to its last byte', () => {
  const buffer = new SharedArrayBuffer(256);
  const packet = new Packet(buffer, 64);
  const tensor = {
    index: 3,
    type: 'int64',
    shape: [2 ** 40, 0],
    data: BigInt64Array.of(5n),
  } as const;
  expect(packet.write([1, 2 ** 52, -1], [tensor])).toBe(true);
  const { numbers, tensors } = packet.read();
  expect(numbers).toEqual([1, 2 ** 52, -1]);
  expect(tensors).toMatchObject([{ index: 3, type: 'int64', shape: [2 ** 40, 0] }]);
  expect(tensors[0]!.data).toEqual(new Uint8Array(BigInt64Array.of(5n).buffer));
  // Two counts and five numbers of the tensor.
  const room = 192 - 8 * 7;
  const bytes = (length: number) =>
    [{ index: 0, type: 'uint8', shape: [], data: new Uint8Array(length).fill(9) }] as const;
  expect(packet.write([], bytes(room))).toBe(true);
  expect((packet.read().tensors[0]!.data as Uint8Array).every((byte) => byte === 9)).toBe(true);
  expect(packet.write([], bytes(room + 1))).toBe(false);
  expect(packet.write([], [])).toBe(true);
  expect(packet.read()).toEqual({ numbers: [], tensors: [] });
});

describe('on two threads', () => {
  it('tells whether the worker sleeps', async () => {
    const page = new Lane();
    expect(page.isAwake).toBe(true);
    const worker = new Worker(await echo(), { eval: true, workerData: page.buffer });
    await expect.poll(() => page.isAwake).toBe(false);
    await expect.poll(() => page.give(run(1, Float32Array.of(1, 0)), true)).toBe(true);
    expect(page.await(10_000)?.outputs).toHaveLength(1);
    await expect.poll(() => page.isAwake).toBe(false);
    await worker.terminate();
  });

  it('loses no run and no message', { timeout: 60_000 }, async () => {
    const page = new Lane();
    const worker = new Worker(await echo(), { eval: true, workerData: page.buffer });
    let answered = 0;
    let byMessage = 0;
    const posted = new Map<number, () => void>();
    worker.on('message', (id: number) => posted.get(id)?.());
    for (let id = 1; id <= 3000; id++) {
      const message = new Promise<void>((resolve) => posted.set(id, resolve));
      const given = page.give(run(id, Float32Array.of(id, 0)), id % 3 > 0);
      // Messages of all kinds come between the runs.
      if (!given || id % 7 === 0) {
        worker.postMessage(given ? 0 : id);
        page.mail();
      }
      const answer = given && id % 3 > 0 ? page.await(id % 5) : undefined;
      if (answer) {
        expect(answer.outputs[0]!.data).toEqual(Float32Array.of(id));
        answered++;
      } else {
        await message;
        byMessage++;
      }
      posted.delete(id);
    }
    await worker.terminate();
    expect(answered + byMessage).toBe(3000);
    expect(answered).toBeGreaterThan(0);
    expect(byMessage).toBeGreaterThan(0);
  });
});

// A worker that answers each run with its first number.
async function echo(): Promise<string> {
  const contents = `
    import { parentPort, workerData } from 'node:worker_threads';
    import { Lane } from './worker/lane';
    const lane = new Lane(workerData);
    let received = 0;
    const attend = () => {
      lane.open();
      for (let run; (run = lane.next(received, performance.now() + 20, 0.05)); ) {
        const bytes = run.feeds[0].data.slice(0, 4);
        const result = { output: 2, type: 'float32', shape: [1], bytes, isTensor: true };
        if (lane.answer({ alone: true, ms: 0, memoryBytes: 0 }, [result])) continue;
        lane.release();
        parentPort.postMessage(run.id);
      }
      setImmediate(attend);
    };
    parentPort.on('message', (id) => {
      received++;
      if (id > 0) parentPort.postMessage(id);
    });
    attend();`;
  const stdin = { contents, resolveDir: process.cwd() };
  const { outputFiles } = await build({ stdin, bundle: true, write: false, platform: 'node' });
  return outputFiles[0]!.text;
}
