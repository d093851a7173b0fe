// A page that is hidden and seen again, with doubles for the browser.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { forgetGpu, probeGpu } from '../../router/gpu_probe.js';
import { isHidden, onSeen } from '../../router/page_view.js';

const page = new EventTarget();
const document = { visibilityState: 'visible' };
const requestAdapter = vi.fn(() => Promise.resolve(null));
const MINUTE = 60_000;

beforeEach(() => {
  vi.useFakeTimers({ now: 1e12 });
  vi.stubGlobal('document', document);
  vi.stubGlobal('navigator', { gpu: { requestAdapter } });
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
  forgetGpu();
  requestAdapter.mockClear();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function turn(visibilityState: 'hidden' | 'visible'): void {
  document.visibilityState = visibilityState;
  page.dispatchEvent(new Event('visibilitychange'));
}

function hide(ms: number): void {
  turn('hidden');
  vi.advanceTimersByTime(ms);
  turn('visible');
}

describe('onSeen', () => {
  it('tells of each return, and whether it took long', () => {
    const seen: boolean[] = [];
    const end = onSeen((long) => seen.push(long));
    hide(9 * MINUTE);
    hide(11 * MINUTE);
    hide(1);
    page.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: false }));
    page.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }));
    expect(seen).toEqual([false, true, false, true]);
    end();
    hide(11 * MINUTE);
    expect(seen).toHaveLength(4);
  });

  it('calls no one twice for listening twice', () => {
    const listener = vi.fn();
    onSeen(listener);
    const end = onSeen(listener);
    turn('visible');
    expect(listener).toHaveBeenCalledTimes(1);
    end();
  });
});

it('a page without a document is never hidden', () => {
  document.visibilityState = 'hidden';
  expect(isHidden()).toBe(true);
  vi.stubGlobal('document', undefined);
  expect(isHidden()).toBe(false);
  document.visibilityState = 'visible';
});

it.each([
  ['9 minutes', 9 * MINUTE, 1],
  ['11 minutes', 11 * MINUTE, 2],
])(
  'after %s in the background the adapter is asked for again if that was long',
  async (_, ms, times) => {
    await probeGpu();
    hide(ms);
    await probeGpu();
    expect(requestAdapter).toHaveBeenCalledTimes(times);
  },
);
