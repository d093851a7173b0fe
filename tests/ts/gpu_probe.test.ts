import { describe, expect, it } from 'vitest';
import { askGpu } from '../../router/gpu_probe.js';

describe('askGpu', () => {
  const info = { vendor: 'v', architecture: 'a', description: '', isFallbackAdapter: false };
  const limits = {
    maxBufferSize: 100,
    maxStorageBufferBindingSize: 50,
    maxStorageBuffersPerShaderStage: 8,
    maxComputeWorkgroupStorageSize: 16384,
    maxComputeInvocationsPerWorkgroup: 256,
    maxComputeWorkgroupsPerDimension: 65535,
  };
  const features = new Set(['timestamp-query', 'shader-f16']);
  const gives = (adapter: unknown) => ({
    requestAdapter: () => Promise.resolve(adapter as GPUAdapter | null),
  });

  it('tells of an adapter and its smaller limit', async () => {
    expect(
      await askGpu(gives({ info, limits: { ...limits, maxBindGroups: 4 }, features })),
    ).toEqual({
      available: true,
      adapter: 'v a',
      software: false,
      maxBytes: 50,
      limits,
      features: ['shader-f16', 'timestamp-query'],
    });
  });

  it.each([
    { isFallbackAdapter: true },
    { architecture: 'SwiftShader' },
    { description: 'llvmpipe' },
  ])('knows software by %o', async (change) => {
    const found = await askGpu(gives({ info: { ...info, ...change }, limits, features }));
    expect(found).toMatchObject({ available: true, software: true });
  });

  it('says why there is none', async () => {
    expect(await askGpu(undefined)).toMatchObject({ why: 'there is no WebGPU here' });
    expect(await askGpu(gives(null))).toMatchObject({ why: 'there is no WebGPU adapter' });
    const failing = { requestAdapter: () => Promise.reject(new Error('broken')) };
    expect(await askGpu(failing)).toMatchObject({
      available: false,
      why: expect.stringContaining('broken') as string,
    });
    const silent = { requestAdapter: () => new Promise<never>(() => undefined) };
    expect(await askGpu(silent, 20)).toMatchObject({
      why: expect.stringContaining('did not answer') as string,
    });
  });
});
