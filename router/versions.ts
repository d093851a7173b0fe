// Which version of a manifest callers mean: by its text, or as 'stable' and 'candidate'.
import type { Manifest } from '../manifest/parse.js';
import { Failure } from '../worker/failure.js';
import type { RouteFilter, Wishes } from './choose.js';
import type { OpenManifest } from './manifest_source.js';
import type { Release } from './target.js';

export type Role = 'stable' | 'candidate';

// INVALID_ARGUMENT lists the versions. `stable` is the manifest that has the rollout, `field` what the caller
// knows the name by.
export function roleOf(name: string, { url, manifest }: OpenManifest, field: string): Role {
  const { version, rollout } = manifest;
  if (names(name, 'stable', version)) return 'stable';
  if (rollout && names(name, 'candidate', rollout.version)) return 'candidate';
  const versions = `${version}${rollout ? ` and the candidate ${rollout.version}` : ''}`;
  const message = `${field} is ${name}, but ${url} has ${versions}`;
  throw new Failure('INVALID_ARGUMENT', message, { field });
}

// Whether no route of the version is to be taken.
export function isExcluded(
  role: Role,
  { version, rollout }: Pick<Manifest, 'version' | 'rollout'>,
  exclude: Wishes['exclude'] = [],
): boolean {
  const text = role === 'stable' ? version : rollout?.version;
  return exclude.some(
    (filter) =>
      filter.version !== undefined &&
      names(filter.version, role, text) &&
      Object.values(wanted(filter)).every((value) => value === undefined),
  );
}

// What is wished of one version. A variant or precision that is forced together with another version is none of it.
export function wishesFor(
  { manifest, candidate }: Pick<Release, 'manifest' | 'candidate'>,
  { force = {}, exclude = [] }: Wishes,
): Wishes {
  const isMeant = ({ version }: RouteFilter) =>
    version === undefined || names(version, candidate ? 'candidate' : 'stable', manifest.version);
  const { variant: _variant, precision: _precision, ...machine } = wanted(force);
  return {
    force: isMeant(force) ? wanted(force) : machine,
    exclude: exclude.filter(isMeant).map(wanted),
  };
}

const names = (name: string, role: Role, version: string | undefined) =>
  name === role || name === version;

// What a filter says beside the version.
function wanted({ version: _version, ...rest }: RouteFilter): RouteFilter {
  return rest;
}
