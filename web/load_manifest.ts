// A manifest -> the session of the best variant that this machine runs rightly.
import type { Manifest, Variant } from '../manifest/parse.js';
import { parseManifest, variantUrl } from '../manifest/parse.js';
import type { WireSource } from '../worker/protocol.js';
import { banKey, rankCandidates, type Ranking } from '../router/candidates.js';
import { probeFeatures } from '../router/features.js';
import { type GpuProbe, probeGpu } from '../router/gpu_probe.js';
import { fetchManifest } from '../router/manifest_source.js';
import { selfTest } from '../router/self_test.js';
import { serve, type Served } from '../router/serve.js';
import { Launch } from './launch.js';
import type { LoadOptions } from './load.js';
import type { Session } from './session.js';
import { resolveUrl } from './source.js';

/** What failed on this page is not tried again on it. */
const bans = new Map<string, string>();

export async function loadManifest(source: WireSource, options: LoadOptions): Promise<Session> {
  const { signal } = options;
  const { text, url } = await readManifest(source, signal);
  const manifest = parseManifest(text, url);
  const features = await probeFeatures();
  const gpu = await probeFor(manifest, options);
  const ranking = rankCandidates(manifest, { features, gpu }, options, bans);
  const launch = new Launch(options, features, ranking.ranked[0]!.threads);
  const sourceOf = (variant: Variant): WireSource => ({ url: variantUrl(variant, url) });
  try {
    const served = await serve(
      ranking.ranked,
      {
        start: (candidate) => launch.start(sourceOf(candidate.variant), candidate),
        selfTest: (route, { variant }) =>
          selfTest(route, manifest, variant, (loaded, total) =>
            launch.report({ phase: 'selftest', loaded, total }),
          ),
        onBan: ({ variant, device, module }, reason) =>
          bans.set(banKey(variant, device, module), reason),
      },
      signal,
    );
    const { candidate, route } = served;
    const session = launch.session(route, sourceOf(candidate.variant), candidate, {
      why: reasons(ranking, served),
      served: { manifest, variant: candidate.variant },
    });
    if (served.attempts.length > 0) announce(session);
    return session;
  } catch (thrown) {
    launch.release();
    throw thrown;
  }
}

async function readManifest(
  source: WireSource,
  signal: AbortSignal | undefined,
): Promise<{ text: string; url: string }> {
  if ('url' in source) return { text: await fetchManifest(source.url, signal), url: source.url };
  const text =
    'blob' in source ? await source.blob.text() : new TextDecoder().decode(source.bytes.slice());
  return { text, url: resolveUrl('.', 'source') };
}

// Asking for an adapter starts the GPU process: only where an answer matters.
function probeFor(manifest: Manifest, { force }: LoadOptions): Promise<GpuProbe> | GpuProbe {
  if (force?.device === 'cpu') return { available: false, why: 'the CPU is forced' };
  if (manifest.variants.some(({ devices }) => devices.includes('webgpu'))) return probeGpu();
  return { available: false, why: 'no variant is for WebGPU' };
}

// Why the better ones were not taken, why this one was.
function reasons({ rejected }: Ranking, { candidate, attempts }: Served): string[] {
  const noGpu = rejected.filter(({ device }) => device === 'webgpu' && candidate.device === 'cpu');
  const tried = attempts.map(({ route, message }) => `${route}: ${message}`);
  return [...new Set(noGpu.map(({ why }) => `no WebGPU: ${why}`)), ...tried, ...candidate.why];
}

// After the caller had the chance to listen.
function announce(session: Session): void {
  setTimeout(() => session.dispatchEvent(new Event('degrade')));
}
