import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Failure } from '../../worker/failure.js';
import type { ErrorCode } from '../../worker/errors.generated.js';
import { ban, knownBans, liftBan } from '../../router/bans.js';
import { banKey, type Candidate } from '../../router/candidates.js';
import type { GpuProbe } from '../../router/gpu_probe.js';
import { readValue, writeValue } from '../../router/page_storage.js';
import { sampleManifest } from './sample_manifest.js';

vi.mock('../../router/features.js', () => ({ isNode: false }));

const adapter = (name: string): GpuProbe => ({
  available: true,
  adapter: name,
  software: false,
  maxBytes: 2 ** 30,
});
const [fp32] = sampleManifest().variants;
const on = (device: Candidate['device']) =>
  ({ variant: fp32, device, module: 'simd' }) as unknown as Candidate;
const keyOn = (device: Candidate['device']) => banKey(fp32!, device, 'simd');
const failure = (code: ErrorCode) => new Failure(code, `${code} here`);

let items: Map<string, string>;
beforeEach(() => {
  items = new Map();
  vi.useFakeTimers({ now: 1e12 });
  vi.stubGlobal('navigator', { userAgent: 'browser 1' });
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, text: string) => items.set(key, text),
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('bans', () => {
  it('keep a wrong answer for a week', () => {
    ban(on('cpu'), failure('SELFTEST_FAILED'), adapter('a'));
    expect(items.size).toBe(1);
    expect(knownBans(adapter('b')).get(keyOn('cpu'))).toBe('SELFTEST_FAILED here');
    vi.advanceTimersByTime(6.9 * 24 * 3600e3);
    expect(knownBans(adapter('a')).get(keyOn('cpu'))).toBe('SELFTEST_FAILED here');
    vi.advanceTimersByTime(0.2 * 24 * 3600e3);
    expect(knownBans(adapter('a')).get(keyOn('cpu'))).toBeUndefined();
  });

  it('of a GPU are of its adapter, all are of the browser', () => {
    ban(on('webgpu'), failure('SELFTEST_FAILED'), adapter('a'));
    expect(knownBans(adapter('a')).get(keyOn('webgpu'))).toBeDefined();
    expect(knownBans(adapter('b')).get(keyOn('webgpu'))).toBeUndefined();
    vi.stubGlobal('navigator', { userAgent: 'browser 2' });
    expect(knownBans(adapter('a')).get(keyOn('webgpu'))).toBeUndefined();
  });

  it('do not outlive the page for a device that could not be had', () => {
    ban(on('webgpu'), failure('DEVICE_UNAVAILABLE'), adapter('a'));
    expect(items.size).toBe(0);
    expect(knownBans(adapter('a')).get(keyOn('webgpu'))).toBe('DEVICE_UNAVAILABLE here');
  });

  it('are lifted when the route works after all, but for a wrong answer', () => {
    ban(on('webgpu'), failure('DEVICE_UNAVAILABLE'), adapter('d'));
    ban(on('cpu'), failure('SELFTEST_FAILED'), adapter('d'));
    liftBan(on('webgpu'));
    liftBan(on('cpu'));
    expect(knownBans(adapter('d'))).toEqual(new Map([[keyOn('cpu'), 'SELFTEST_FAILED here']]));
  });

  it('name neither browser nor adapter in storage', () => {
    ban(on('webgpu'), failure('SELFTEST_FAILED'), adapter('secret-gpu'));
    expect([...items.values()].join()).not.toMatch(/secret-gpu|browser 1/);
  });

  it('forget the oldest of many', () => {
    const variant = (i: number) => ({ ...fp32!, sha256: String(i).padStart(64, '0') });
    for (let i = 0; i < 70; i++) {
      ban({ ...on('cpu'), variant: variant(i) }, failure('SELFTEST_FAILED'), adapter('a'));
    }
    const known = knownBans(adapter('a'));
    expect(known.get(banKey(variant(69), 'cpu', 'simd'))).toBeDefined();
    expect(known.get(banKey(variant(5), 'cpu', 'simd'))).toBeUndefined();
  });

  it.each(['no JSON', '7', 'null', '[1]', '{"a b": 3}', '{"a b": [1, 9e15]}', '{"a": ["x"]}'])(
    'are none in a storage that holds %s',
    (text) => {
      items.set('sardonyx-bans', text);
      expect(knownBans(adapter('c')).get(keyOn('cpu'))).toBeUndefined();
      ban(on('cpu'), failure('SELFTEST_FAILED'), adapter('c'));
      expect(knownBans(adapter('c')).get(keyOn('cpu'))).toBe('SELFTEST_FAILED here');
    },
  );
});

describe('the storage of a page', () => {
  it.each([
    ['is not there', undefined],
    [
      'is full',
      {
        getItem: () => '"old"',
        setItem: () => {
          throw new Error('full');
        },
      },
    ],
  ])('is memory when it %s', (_, storage) => {
    vi.stubGlobal('localStorage', storage);
    writeValue('key', [1]);
    expect(readValue('key')).toEqual([1]);
  });

  it('is memory where looking at it throws', () => {
    Object.defineProperty(globalThis, 'localStorage', {
      configurable: true,
      get() {
        throw new Error('sandboxed');
      },
    });
    writeValue('other', 2);
    expect(readValue('other')).toBe(2);
  });
});
