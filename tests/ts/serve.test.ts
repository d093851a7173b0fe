import { describe, expect, it } from 'vitest';
import { asFailure, Failure } from '../../worker/failure.js';
import type { Device } from '../../worker/protocol.js';
import { nameOf, rankCandidates, type Candidate } from '../../router/candidates.js';
import type { Route } from '../../router/route.js';
import { attemptOf, serve } from '../../router/serve.js';
import type { ErrorCode } from '../../worker/errors.generated.js';
import { sampleManifest } from './sample_manifest.js';

const manifest = sampleManifest();
const { ranked } = rankCandidates(manifest, {
  features: { simd: true, engine: true, relaxedSimd: true, isolated: true, cores: 2 },
  gpu: { available: true, adapter: 'gpu', software: false, maxBytes: 2 ** 30 },
});

// What happens to each candidate: the code it fails with, the device it ends up on, or nothing.
interface Script {
  readonly start?: Readonly<Record<string, ErrorCode>>;
  readonly test?: Readonly<Record<string, ErrorCode>>;
  readonly leavesGpu?: 'at start' | 'in the test';
}

async function play({ start = {}, test = {}, leavesGpu }: Script, signal?: AbortSignal) {
  const tried: string[] = [];
  const disposed: string[] = [];
  const bans: string[] = [];
  const short = ({ variant, device, module }: Candidate) => `${variant.name} ${device} ${module}`;
  const fail = (script: Readonly<Record<string, ErrorCode>>, candidate: Candidate) => {
    const code = Object.entries(script).find(([start]) => short(candidate).startsWith(start))?.[1];
    if (code) throw new Failure(code, `${code} of ${short(candidate)}`);
  };
  const serving = serve(
    ranked,
    {
      start(candidate) {
        tried.push(short(candidate));
        fail(start, candidate);
        const device: Device = leavesGpu === 'at start' ? 'cpu' : candidate.device;
        const route = {
          placement: { device, why: device === candidate.device ? [] : ['CPU: no adapter'] },
          dispose: () => {
            disposed.push(short(candidate));
            return Promise.resolve();
          },
        };
        return Promise.resolve(route as unknown as Route);
      },
      selfTest(route, candidate) {
        fail(test, candidate);
        if (leavesGpu)
          Object.assign(route, { placement: { device: 'cpu', why: ['CPU: other numbers'] } });
        return Promise.resolve();
      },
      onBan: (candidate) => bans.push(short(candidate)),
    },
    signal,
  );
  const outcome = await serving.then(
    ({ candidate, passedOver }) => ({
      served: short(candidate),
      attempts: passedOver.map(attemptOf),
      failure: undefined,
    }),
    (thrown: unknown) => ({ served: undefined, attempts: [], failure: asFailure(thrown) }),
  );
  return { ...outcome, tried, disposed, bans };
}

describe('serve', () => {
  it('takes the first when nothing fails', async () => {
    const found = await play({});
    expect(found).toMatchObject({ served: 'fp16 webgpu relaxed', attempts: [], disposed: [] });
  });

  it.each(['at start', 'in the test'] as const)(
    'leaves the GPU for the CPU variant when the engine did so %s',
    async (leavesGpu) => {
      const found = await play({ leavesGpu });
      expect(found.tried).toEqual(['fp16 webgpu relaxed', 'int8 cpu relaxed']);
      expect(found.disposed).toEqual(['fp16 webgpu relaxed']);
      expect(found.bans).toEqual(['fp16 webgpu relaxed']);
      expect(found.attempts).toEqual([
        {
          route: nameOf(ranked[0]!),
          code: 'DEVICE_UNAVAILABLE',
          message: leavesGpu === 'at start' ? 'CPU: no adapter' : 'CPU: other numbers',
        },
      ]);
    },
  );

  it('tries the other module after a wrong answer on the CPU', async () => {
    const test = { 'fp16 webgpu': 'DEVICE_LOST', 'int8 cpu relaxed': 'SELFTEST_FAILED' } as const;
    const found = await play({ test });
    expect(found.served).toBe('int8 cpu simd');
    expect(found.bans).toEqual(['int8 cpu relaxed']);
    expect(found.disposed).toEqual(['fp16 webgpu relaxed', 'int8 cpu relaxed']);
  });

  it.each(['OPERATOR_UNSUPPORTED', 'HTTP_STATUS', 'FILE_MISMATCH', 'NETWORK_FAILED'] as const)(
    'leaves a variant on all devices after %s',
    async (code) => {
      const found = await play({ start: { fp16: code, int8: code } });
      expect(found.tried).toEqual(['fp16 webgpu relaxed', 'fp32 webgpu relaxed']);
      expect(found.served).toBe('fp32 webgpu relaxed');
      expect((await play({ start: { fp: code } })).tried.slice(2)).toEqual(['int8 cpu relaxed']);
    },
  );

  it('is at its end with one code when all fail alike', async () => {
    const { failure } = await play({ start: { fp: 'HTTP_STATUS', int8: 'HTTP_STATUS' } });
    expect(failure?.code).toBe('HTTP_STATUS');
    expect(failure?.attempts?.map(({ code }) => code)).toEqual(Array(3).fill('HTTP_STATUS'));
  });

  it('is at its end with ROUTES_EXHAUSTED when they fail in different ways', async () => {
    const start = { fp: 'HTTP_STATUS', int8: 'OUT_OF_MEMORY' } as const;
    const { failure } = await play({ start });
    expect(failure?.code).toBe('ROUTES_EXHAUSTED');
    expect(failure?.attempts?.map(({ code }) => code)).toEqual([
      'HTTP_STATUS',
      'HTTP_STATUS',
      'OUT_OF_MEMORY',
      'OUT_OF_MEMORY',
    ]);
    expect(failure?.message).toContain('OUT_OF_MEMORY of int8 cpu relaxed');
  });

  it('stops at what the caller did wrong', async () => {
    const { failure, tried } = await play({ start: { fp16: 'INVALID_ARGUMENT' } });
    expect(failure?.code).toBe('INVALID_ARGUMENT');
    expect(tried).toHaveLength(1);
  });

  it('stops when aborted', async () => {
    const abort = new AbortController();
    abort.abort(new Failure('RUN_TIMEOUT', 'the reason'));
    const { failure, tried, disposed } = await play({}, abort.signal);
    expect(failure?.message).toBe('the reason');
    expect(disposed).toEqual(tried);
  });
});
