// What a route is started for: a candidate of a manifest, or a way to run a plain .onnx.
import type { Failure } from '../worker/failure.js';
import type { Manifest } from '../manifest/parse.js';
import type { Candidate } from './candidates.js';
import type { Rival } from './machine.js';
import type { RouteDevice } from './route.js';
import { costOf, type Speeds } from './speeds.js';

/** One version of a model. */
export interface Release {
  readonly manifest: Manifest;
  // Of the manifest.
  readonly url: string;
  // Whether it runs in place of a stable version, which can take over.
  readonly candidate: boolean;
}

export type Target = LocalTarget | RemoteTarget;

// A server, when nothing local is left.
export interface RemoteTarget {
  readonly device: 'remote';
  readonly variant?: undefined;
  readonly release?: undefined;
  readonly module?: undefined;
  readonly wasm?: undefined;
  readonly threads: 0;
  readonly forcedThreads?: undefined;
  readonly why: readonly string[];
}

export const REMOTE: RemoteTarget = {
  device: 'remote',
  threads: 0,
  why: ['no local route serves, and a remote one is allowed'],
};

export interface LocalTarget extends Omit<Candidate, 'variant'> {
  // Undefined for a plain .onnx.
  readonly variant?: Candidate['variant'];
  readonly release?: Release;
  // In place of the library's module.
  readonly wasm?: string | WebAssembly.Module | undefined;
  // Whether `threads` may exceed what the page has left.
  readonly forcedThreads?: boolean;
}

/** A route that takes over, or was to. */
export interface RouteChange {
  /** Ids of routes; equal when a new worker took the place of the old one. */
  readonly from: string;
  readonly to: string;
  readonly why: string;
  /** What stopped a route that was to take over, or the one that was left. */
  readonly error?: Failure | undefined;
}

export type RouteEvent = 'route' | 'degrade' | 'recover' | 'swap' | 'rollback';

export const idOf = ({
  variant,
  device,
  module,
  wasm,
  release,
}: Pick<Target, 'variant' | 'module' | 'wasm' | 'release'> & { readonly device: RouteDevice }) =>
  [variant?.name, device, module, wasm && 'own'].filter(Boolean).join('-') +
  (release?.candidate ? `@${release.manifest.version}` : '');

export const rivalOf = (target: Target, speeds: Speeds): Rival => ({
  id: idOf(target),
  bytes: target.variant?.bytes ?? 0,
  cost:
    target.device === 'remote'
      ? Infinity
      : costOf(target.device, target.variant?.precision ?? 'fp32', speeds),
});
