// A GPU that a page has lost, once and again.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { forgetLosses, gpuCooling, gpuFor, gpuLost, gpuRefused } from '../../router/gpu_loss.js';
import { forgetGpu, probeGpu } from '../../router/gpu_probe.js';
import { sampleManifest } from './sample_manifest.js';

const { variants } = sampleManifest();
const requestAdapter = vi.fn(() => Promise.resolve(null));

beforeEach(() => {
  requestAdapter.mockClear();
  vi.stubGlobal('navigator', { gpu: { requestAdapter } });
  forgetGpu();
});
afterEach(() => {
  forgetLosses();
  vi.unstubAllGlobals();
});

describe('the GPU is left alone', () => {
  it('after the second loss, not after the first', () => {
    gpuLost(10, 100);
    expect(gpuCooling()).toBeUndefined();
    gpuLost(200, 300);
    expect(gpuCooling()).toContain('lost twice');
  });

  it('not for the loss of several sessions at once', () => {
    for (const began of [10, 20, 99]) gpuLost(began, 100);
    expect(gpuCooling()).toBeUndefined();
  });

  it('when a start after a loss fails, not when one before does', () => {
    gpuRefused('no adapter');
    expect(gpuCooling()).toBeUndefined();
    gpuLost(10, 100);
    gpuRefused('no adapter');
    expect(gpuCooling()).toContain('did not come back: no adapter');
  });

  it('not for what a hidden page loses', () => {
    vi.stubGlobal('document', { visibilityState: 'hidden' });
    gpuLost(10, 100);
    gpuLost(200, 300);
    gpuRefused('no adapter');
    expect(gpuCooling()).toBeUndefined();
  });

  it('by all that do not name it', async () => {
    gpuLost(10, 100);
    gpuLost(200, 300);
    expect(await gpuFor(variants, undefined)).toMatchObject({
      available: false,
      why: expect.stringContaining('left alone') as string,
    });
    expect(requestAdapter).not.toHaveBeenCalled();
    await gpuFor(variants, { device: 'webgpu' });
    expect(requestAdapter).toHaveBeenCalledTimes(1);
  });
});

it('the adapter is asked for anew after a loss and after a start that failed', async () => {
  await probeGpu();
  gpuLost(10, 100);
  await probeGpu();
  gpuRefused('no device');
  await probeGpu();
  await probeGpu();
  expect(requestAdapter).toHaveBeenCalledTimes(3);
});

it('nobody is asked where it does not matter', async () => {
  expect(await gpuFor(variants, { device: 'cpu' })).toMatchObject({ why: 'the CPU is forced' });
  const onCpu = variants.map((variant) => ({ ...variant, devices: ['cpu' as const] }));
  expect(await gpuFor(onCpu as typeof variants, {})).toMatchObject({ available: false });
  expect(requestAdapter).not.toHaveBeenCalled();
});
