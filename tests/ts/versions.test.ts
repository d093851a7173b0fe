import { describe, expect, it } from 'vitest';
import type { RouteFilter } from '../../router/choose.js';
import { isExcluded, roleOf, wishesFor } from '../../router/versions.js';
import { sampleManifest } from './sample_manifest.js';

const url = 'https://example.org/m.sardonyx.json';
const rollout = { url: 'm2.sardonyx.json', version: '2.0.0', percent: 5 };
const manifest = { ...sampleManifest(), rollout };
const stable = { url, text: '', manifest };
const alone = { url, text: '', manifest: sampleManifest() };
const releases = {
  stable: { manifest, candidate: false },
  candidate: { manifest: { ...sampleManifest(), version: '2.0.0' }, candidate: true },
};

describe('the name of a version', () => {
  it.each([
    ['stable', 'stable'],
    ['1.0.0', 'stable'],
    ['candidate', 'candidate'],
    ['2.0.0', 'candidate'],
  ])('%s is the %s one', (name, role) => expect(roleOf(name, stable, 'f')).toBe(role));

  it.each([
    ['3.0.0', stable, /force.version is 3.0.0, .* has 1.0.0 and the candidate 2.0.0/],
    ['candidate', alone, /has 1.0.0$/],
    ['2.0.0', alone, /has 1.0.0$/],
    ['', stable, /has 1.0.0 and/],
  ])('%s is none', (name, opened, message) => {
    expect(() => roleOf(name, opened, 'force.version')).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        where: { field: 'force.version' },
        message: expect.stringMatching(message) as string,
      }) as Error,
    );
  });
});

describe('a version', () => {
  it.each([
    [[{ version: 'candidate' }], ['candidate']],
    [[{ version: '2.0.0' }], ['candidate']],
    [[{ version: '1.0.0', variant: undefined }], ['stable']],
    [
      [{ version: 'stable' }, { version: 'candidate' }],
      ['stable', 'candidate'],
    ],
    [[{ version: 'candidate', device: 'cpu' }], []],
    [[{ version: '9' }], []],
    [[{}], []],
    [undefined, []],
  ])('of %o excluded: %o', (exclude, excluded) => {
    const found = (['stable', 'candidate'] as const).filter((role) =>
      isExcluded(role, manifest, exclude as RouteFilter[]),
    );
    expect(found).toEqual(excluded);
  });
});

describe('wishes', () => {
  it.each<[RouteFilter, RouteFilter, RouteFilter]>([
    [{ device: 'cpu' }, { device: 'cpu' }, { device: 'cpu' }],
    [{ version: 'stable' }, {}, {}],
    [
      { version: '2.0.0', variant: 'int8', threads: 2 },
      { threads: 2 },
      { variant: 'int8', threads: 2 },
    ],
    [{ version: '1.0.0', precision: 'fp32' }, { precision: 'fp32' }, {}],
  ])('to force %o', (force, ofStable, ofCandidate) => {
    expect(wishesFor(releases.stable, { force }).force).toEqual(ofStable);
    expect(wishesFor(releases.candidate, { force }).force).toEqual(ofCandidate);
  });

  it.each<[RouteFilter, RouteFilter[], RouteFilter[]]>([
    [{ device: 'cpu' }, [{ device: 'cpu' }], [{ device: 'cpu' }]],
    [{ version: 'candidate' }, [], [{}]],
    [{ version: '2.0.0', device: 'webgpu' }, [], [{ device: 'webgpu' }]],
    [{ version: '1.0.0', variant: 'int8' }, [{ variant: 'int8' }], []],
    [{ version: '9' }, [], []],
  ])('to exclude %o', (filter, ofStable, ofCandidate) => {
    const exclude = [filter];
    expect(wishesFor(releases.stable, { exclude }).exclude).toEqual(ofStable);
    expect(wishesFor(releases.candidate, { exclude }).exclude).toEqual(ofCandidate);
  });
});
