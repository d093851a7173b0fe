import { describe, expect, it } from 'vitest';
import { checkFilter } from '../../router/check_filter.js';
import { choose, choosePlain } from '../../router/choose.js';
import { type Features, probeFeatures } from '../../router/features.js';
import { ThreadBudget } from '../../router/thread_budget.js';

const features: Features = {
  simd: true,
  engine: true,
  relaxedSimd: true,
  isolated: true,
  cores: 8,
};
const code = (value: string) => expect.objectContaining({ code: value }) as Error;

describe('choose', () => {
  it('takes relaxed SIMD and up to four threads', () => {
    expect(choose(features)).toMatchObject({ module: 'relaxed', threads: 4 });
    expect(choose({ ...features, relaxedSimd: false })).toMatchObject({ module: 'simd' });
    expect(choose({ ...features, cores: 2 })).toMatchObject({ threads: 2 });
  });

  it('takes one thread on a page that is not isolated, even when more are forced', () => {
    const choice = choose({ ...features, isolated: false }, { threads: 4 });
    expect(choice.threads).toBe(1);
    expect(choice.why.join()).toContain('not cross-origin isolated');
  });

  it('obeys force', () => {
    expect(choose(features, { module: 'simd', threads: 7 })).toMatchObject({
      module: 'simd',
      threads: 7,
    });
  });

  it('says when the environment can not do it', () => {
    const plain = { ...features, relaxedSimd: false };
    expect(() => choose(plain, { module: 'relaxed' })).toThrow(code('UNSUPPORTED_ENVIRONMENT'));
    expect(() => choose({ ...features, engine: false })).toThrow(code('UNSUPPORTED_ENVIRONMENT'));
  });
});

describe('choosePlain', () => {
  const found = (wishes: Parameters<typeof choosePlain>[1]) =>
    choosePlain(features, wishes).map(({ device, module }) => `${device} ${module}`);

  it('takes the CPU unless the GPU is forced, and then has the CPU left', () => {
    expect(found({})).toEqual(['cpu relaxed', 'cpu simd']);
    expect(found({ force: { module: 'simd' } })).toEqual(['cpu simd']);
    expect(found({ force: { device: 'webgpu' } })).toEqual([
      'webgpu relaxed',
      'webgpu simd',
      'cpu relaxed',
      'cpu simd',
    ]);
  });

  it('takes what is not excluded', () => {
    const exclude = [{ module: 'relaxed', device: 'cpu' }] as const;
    const [choice, ...others] = choosePlain(features, { exclude });
    expect(others).toEqual([]);
    expect(choice!.module).toBe('simd');
    expect(choice!.why.join()).toContain('in place of relaxed');
    expect(() => found({ exclude: [{ device: 'cpu' }] })).toThrow(code('NO_CANDIDATE'));
    const force = { device: 'webgpu' } as const;
    expect(() => found({ force, exclude: [force] })).toThrow(code('NO_CANDIDATE'));
  });

  it.each([{ variant: 'int8' }, { precision: 'int8' }] as const)('has no variants: %o', (force) => {
    expect(() => choosePlain(features, { force })).toThrow(code('VARIANT_UNKNOWN'));
  });
});

describe('checkFilter', () => {
  it.each([
    { threads: 0 },
    { threads: 1.5 },
    { threads: 33 },
    { threads: '2' },
    { module: 'avx' },
    { device: 'gpu' },
    { precision: 'fp8' },
    { variant: 8 },
  ])('refuses %o', (filter) => {
    const field = `force.${Object.keys(filter)[0]!}`;
    expect(() => checkFilter(filter, 'force')).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', where: { field } }) as Error,
    );
  });

  it('takes all that a filter can say', () => {
    const filter = { device: 'cpu', precision: 'int4', variant: 'x', module: 'simd', threads: 32 };
    expect(() => checkFilter(filter, 'force')).not.toThrow();
    expect(() => checkFilter({ device: undefined }, 'force')).not.toThrow();
  });
});

describe('probeFeatures', () => {
  it('finds what this Node has', async () => {
    const found = await probeFeatures();
    expect(found).toMatchObject({ simd: true, engine: true, isolated: true });
    expect(found.cores).toBeGreaterThan(0);
    expect(await probeFeatures()).toBe(found);
  });
});

describe('ThreadBudget', () => {
  it('shares the cores and always gives one', () => {
    const budget = new ThreadBudget(4);
    const first = budget.claim(3, false);
    const second = budget.claim(3, false);
    const third = budget.claim(3, false);
    expect([first, second, third].map(({ threads }) => threads)).toEqual([3, 1, 1]);
    first.release();
    first.release();
    expect(budget.claim(3, false).threads).toBe(2);
  });

  it('gives what is forced', () => {
    expect(new ThreadBudget(2).claim(8, true).threads).toBe(8);
  });

  it('changes what a claim holds', () => {
    const budget = new ThreadBudget(4);
    const [a, b] = [budget.claim(2, false), budget.claim(1, false)];
    a.change(4, false);
    expect(a.threads).toBe(3);
    a.change(6, true);
    expect(a.threads).toBe(6);
    a.change(1, false);
    b.change(4, false);
    expect([a.threads, b.threads]).toEqual([1, 3]);
    b.release();
    b.change(4, false);
    expect(budget.claim(4, false).threads).toBe(3);
  });
});
