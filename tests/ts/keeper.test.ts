import { describe, expect, it } from 'vitest';
import { keepFiles } from '../../router/keeper.js';
import type { ModelFile } from '../../worker/protocol.js';
import { ScriptedWorker } from './scripted_worker.js';

const file = (letter: string): ModelFile => ({
  url: `https://example.org/${letter}.onnx`,
  bytes: 10,
  sha256: letter.repeat(64),
});
const [a, b] = [file('a'), file('b')];
const turn = () => new Promise((done) => setTimeout(done));

function start(signal?: AbortSignal) {
  const worker = new ScriptedWorker();
  const kept: number[] = [];
  const done = keepFiles('https://example.org/worker.js', [a, b], {
    spawn: worker.spawn,
    signal,
    onKept: () => kept.push(worker.received.length),
  });
  done.catch(() => undefined);
  return { worker, done, kept };
}

describe('keepFiles', () => {
  it('has one file after the other stored and ends the worker', async () => {
    const { worker, done, kept } = start();
    await turn();
    expect(worker.received).toEqual([{ type: 'keep', file: a }]);
    worker.send({ type: 'kept', sha256: a.sha256 });
    expect(worker.received).toEqual([
      { type: 'keep', file: a },
      { type: 'keep', file: b },
    ]);
    worker.send({ type: 'kept', sha256: b.sha256 });
    await done;
    expect(kept).toEqual([1, 2]);
    expect(worker.terminated).toBe(true);
  });

  it('stops at the first that fails', async () => {
    const { worker, done } = start();
    await turn();
    worker.send({
      type: 'kept',
      sha256: a.sha256,
      failure: { code: 'STORAGE_FULL', message: 'no room' },
    });
    await expect(done).rejects.toMatchObject({ code: 'STORAGE_FULL', message: 'no room' });
    expect(worker.received).toHaveLength(1);
    expect(worker.terminated).toBe(true);
  });

  it('fails with the worker', async () => {
    const { worker, done } = start();
    await turn();
    worker.error('gone');
    await expect(done).rejects.toMatchObject({ code: 'ENGINE_START' });
    expect(worker.terminated).toBe(true);
  });

  it('ends when aborted', async () => {
    const stop = new AbortController();
    const { worker, done } = start(stop.signal);
    await turn();
    stop.abort('enough');
    await expect(done).rejects.toBe('enough');
    expect(worker.terminated).toBe(true);
    await expect(start(stop.signal).done).rejects.toBe('enough');
  });
});
