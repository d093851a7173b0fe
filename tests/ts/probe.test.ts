// What browsers tell the page, with doubles for what Node does not have.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Failure } from '../../worker/failure.js';
import { forgetGpu } from '../../router/gpu_probe.js';
import { startVerified } from '../../router/serve.js';
import { probe } from '../../web/probe.js';

const requestAdapter = vi.fn(() =>
  Promise.resolve({
    info: { vendor: 'apple', architecture: 'm1', description: '', isFallbackAdapter: false },
    limits: { maxBufferSize: 100, maxStorageBufferBindingSize: 50 },
    features: new Set(['shader-f16']),
  }),
);
const page = new EventTarget();

beforeEach(() => {
  forgetGpu();
  requestAdapter.mockClear();
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
});
afterEach(() => vi.unstubAllGlobals());

const browser = (navigator: object) => vi.stubGlobal('navigator', navigator);

describe('probe', () => {
  it('tells what there is without a browser', async () => {
    browser({});
    const found = await probe();
    expect(found).toMatchObject({
      simd: true,
      engine: true,
      isolated: true,
      threads: true,
      webgpu: { available: false, why: 'there is no WebGPU here' },
    });
    expect(found.cores).toBeGreaterThan(0);
    for (const absent of ['storage', 'network', 'battery'])
      expect(found).not.toHaveProperty(absent);
  });

  it('tells what the browser tells', async () => {
    const battery = { level: 0.25, charging: false, onlevelchange: null };
    browser({
      gpu: { requestAdapter },
      storage: { estimate: () => Promise.resolve({ quota: 1000, usage: 10, usageDetails: {} }) },
      connection: { saveData: true, effectiveType: '3g', rtt: 100 },
      getBattery: () => Promise.resolve(battery),
    });
    expect(await probe()).toMatchObject({
      webgpu: { available: true, adapter: 'apple m1', maxBytes: 50, features: ['shader-f16'] },
      storage: { quota: 1000, usage: 10 },
      network: { saveData: true, effectiveType: '3g' },
      battery: { level: 0.25, charging: false },
    });
    battery.level = 0.5;
    expect((await probe()).battery).toEqual({ level: 0.5, charging: false });
  });

  it('does without what the browser refuses', async () => {
    browser({
      gpu: { requestAdapter: () => Promise.reject(new Error('blocked')) },
      storage: { estimate: () => Promise.reject(new TypeError('opaque origin')) },
      connection: {},
      getBattery: () => {
        throw new Error('not allowed');
      },
    });
    const found = await probe();
    expect(found).toMatchObject({ webgpu: { available: false }, network: { saveData: false } });
    expect(found).not.toHaveProperty('storage');
    expect(found).not.toHaveProperty('battery');
  });
});

describe('the adapter is asked for', () => {
  const pageShow = (persisted: boolean) =>
    page.dispatchEvent(Object.assign(new Event('pageshow'), { persisted }));
  const start = (device: 'cpu' | 'webgpu', failure: Failure) =>
    startVerified(
      { device },
      { start: () => Promise.reject(failure), selfTest: () => Promise.resolve() },
      undefined,
    );
  const asked = async () => {
    await probe();
    return requestAdapter.mock.calls.length;
  };

  beforeEach(() => browser({ gpu: { requestAdapter } }));

  it('once', async () => {
    await Promise.all([probe(), probe()]);
    pageShow(false);
    expect(await asked()).toBe(1);
  });

  it('again when the page comes back from the cache of pages', async () => {
    await probe();
    pageShow(true);
    expect(await asked()).toBe(2);
  });

  it('again after a route on the GPU failed, and only then', async () => {
    await probe();
    await expect(start('cpu', new Failure('ENGINE_TRAP', 'trap'))).rejects.toThrow('trap');
    await expect(start('webgpu', new Failure('MODEL_EMPTY', 'empty'))).rejects.toThrow('empty');
    expect(await asked()).toBe(1);
    await expect(start('webgpu', new Failure('ENGINE_TRAP', 'trap'))).rejects.toThrow('trap');
    expect(await asked()).toBe(2);
  });
});
