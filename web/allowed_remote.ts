// The server that the app allows: its own, or the manifest's.
import type { OpenManifest } from '../router/manifest_source.js';
import type { LoadOptions, RemoteOptions } from './load.js';

export function allowedRemote(
  { remote }: LoadOptions,
  opened?: Pick<OpenManifest, 'manifest' | 'url'>,
): RemoteOptions | undefined {
  if (remote !== true) return remote;
  const named = opened?.manifest.remote;
  return named && { ...named, url: new URL(named.url, opened.url) };
}
