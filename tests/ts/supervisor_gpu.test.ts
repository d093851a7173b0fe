// Sessions on a GPU that goes away, and what load() passed over.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { forgetLosses, gpuLost } from '../../router/gpu_loss.js';
import { forgetGpu, probeGpu } from '../../router/gpu_probe.js';
import type { LocalTarget } from '../../router/target.js';
import { Failure } from '../../worker/failure.js';
import { FP32, fp32, INT8, int8, ManualSession, tick } from './manual_session.js';

const gpu: LocalTarget = { ...(fp32 as LocalTarget), device: 'webgpu' };
const onCpu: LocalTarget = { ...gpu, device: 'cpu' };
const GPU = 'fp32-webgpu-relaxed';

const document = { visibilityState: 'visible' };
const page = new EventTarget();

let session: ManualSession;
beforeEach(() => {
  vi.useFakeTimers();
  document.visibilityState = 'visible';
  vi.stubGlobal('document', document);
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
  session = new ManualSession(gpu, [gpu, int8]);
});
afterEach(() => {
  forgetLosses();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

// As a worker tells it, of the newest route.
function leave(of: ManualSession = session, lost = true): void {
  const { last } = of;
  last.placement = { device: 'cpu', why: ['CPU: gone'], lost };
  if (lost) gpuLost(last.began);
  of.supervisor.leftGpu(last, onCpu, lost);
}

function show(visibilityState: 'hidden' | 'visible'): Promise<unknown> {
  document.visibilityState = visibilityState;
  page.dispatchEvent(new Event('visibilitychange'));
  return tick();
}

const left = [`degrade ${GPU} ${FP32}`, `route ${GPU} ${FP32}`];
const back = [`recover ${FP32} ${GPU}`, `route ${FP32} ${GPU}`];

describe('a GPU that goes away', () => {
  it('is asked for again after 5 s, beside the CPU, which serves until then', async () => {
    leave();
    expect(session.supervisor.id).toBe(FP32);
    expect(session.events).toEqual(left);
    await tick(4900);
    expect(session.routes).toHaveLength(1);
    const { result } = session.submit(1);
    session.last.answer();
    expect(await result).toBe(1);
    await tick(100);
    expect(session.supervisor.id).toBe(GPU);
    expect(session.events).toEqual([...left, ...back]);
    expect(session.routes[0]!.closed).toBe(true);
  });

  it('is left alone after a second loss, by this session and others', async () => {
    const other = new ManualSession(gpu, [gpu, int8]);
    leave();
    leave(other);
    await tick(5000);
    expect(session.events.slice(2)).toEqual(back);
    expect(other.events.slice(2)).toEqual(back);
    leave();
    await tick(3_600_000);
    expect(session.supervisor.id).toBe(FP32);
    expect(session.routes).toHaveLength(2);
    leave(other);
    await tick(3_600_000);
    expect(other.supervisor.id).toBe(FP32);
    await session.supervisor.swap(gpu);
    expect(session.supervisor.id).toBe(GPU);
  });

  it('is no way out for a route that fails while it is left alone', async () => {
    leave();
    await tick(5000);
    leave();
    for (let trap = 0; trap < 2; trap++) {
      session.submit(1);
      session.last.fail('ENGINE_TRAP', true);
      await tick();
    }
    expect(session.supervisor.id).toBe(INT8);
  });

  it('is not asked for when it was left for what it computes', async () => {
    leave(session, false);
    await tick(3_600_000);
    expect(session.events).toEqual(left);
  });

  it('is asked for when the page is seen again', async () => {
    leave();
    await show('hidden');
    await tick(60_000);
    expect(session.routes).toHaveLength(1);
    await show('visible');
    expect(session.events).toEqual([...left, ...back]);
  });

  it('is not asked for after dispose', async () => {
    leave();
    await session.supervisor.dispose();
    await tick(9000);
    await show('visible');
    expect(session.routes).toHaveLength(1);
  });
});

describe('what load() passed over', () => {
  const passed = (code: 'ENGINE_START' | 'SELFTEST_FAILED') => {
    const failure = new Failure(code, 'not this time');
    session = new ManualSession(int8, [gpu, int8], [{ target: gpu, failure }]);
  };

  it('takes over when it starts later', async () => {
    passed('ENGINE_START');
    expect(session.supervisor.id).toBe(INT8);
    session.script[GPU] = 'ENGINE_START';
    await tick(5000);
    expect(session.events).toEqual([`rollback ${GPU} ${INT8} ENGINE_START`]);
    session.script = {};
    await tick(30_000);
    expect(session.supervisor.id).toBe(GPU);
    expect(session.events.slice(1)).toEqual([`recover ${INT8} ${GPU}`, `route ${INT8} ${GPU}`]);
  });

  it('does not when its answer was wrong', async () => {
    passed('SELFTEST_FAILED');
    await tick(3_600_000);
    expect(session.routes).toHaveLength(1);
  });

  it('is among the reasons when nothing is left', async () => {
    passed('SELFTEST_FAILED');
    session.script[INT8] = 'ENGINE_START';
    const { result } = session.submit(1);
    session.last.fail('ENGINE_TRAP', true);
    await expect(result).rejects.toMatchObject({
      attempts: [
        { route: GPU, code: 'SELFTEST_FAILED' },
        { route: INT8, code: 'ENGINE_START' },
      ],
    });
  });
});

it('a failure on the GPU has the adapter asked for again', async () => {
  const requestAdapter = vi.fn(() => Promise.resolve(null));
  vi.stubGlobal('navigator', { gpu: { requestAdapter } });
  forgetGpu();
  await probeGpu();
  const { supervisor, last } = session;
  supervisor.failed(last, new Failure('INPUT_SHAPE', 'the caller was wrong'));
  await probeGpu();
  expect(requestAdapter).toHaveBeenCalledTimes(1);
  supervisor.failed(last, new Failure('OUT_OF_MEMORY', 'no room'));
  await probeGpu();
  expect(requestAdapter).toHaveBeenCalledTimes(2);
});
