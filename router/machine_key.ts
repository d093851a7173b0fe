// An opaque name of what measurements and failures depend on: they are void when it changes.
import { isNode } from './features.js';
import { fnv1a } from './fnv1a.js';

declare const SARDONYX_VERSION: string | undefined;

// Of this browser, this version of the engine, and the parts of the machine that matter.
export function machineKey(...parts: readonly (string | number)[]): string {
  const browser = isNode ? process.version : navigator.userAgent;
  const version = typeof SARDONYX_VERSION === 'string' ? SARDONYX_VERSION : '';
  return fnv1a([browser, version, ...parts].join('\n')).toString(36);
}
