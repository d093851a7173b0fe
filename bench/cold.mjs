// From opening the page to the first output: with nothing in the caches, and once more with what that visit left there.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spread } from './statistics.mjs';
import { inTurns, launchProfile, visit } from './turns.mjs';

// Chromium writes compiled code to its cache when no more has been compiled for two seconds.
const CODE_CACHE_MS = 2500;
const MOST_ROUNDS = 5;
const RUNS = { warmMs: 300, measureMs: 0, minRuns: 1 };

/** Both visits in a profile of their own, as only that keeps compiled code. */
async function visitTwice(server, options) {
  const profile = mkdtempSync(join(tmpdir(), 'sardonyx-bench-'));
  const context = await launchProfile(profile);
  try {
    await (await context.newPage()).goto(server.url);
    const before = server.bytesSent();
    const first = await visit(context, server.url, {
      ...options,
      steady: RUNS,
      idleMs: CODE_CACHE_MS,
    });
    const bytes = server.bytesSent() - before;
    const second = await visit(context, server.url, options);
    return { opened: first.opened, cold: first.firstOutput, warm: second.firstOutput, bytes };
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

/**
 * {sardonyx: {cold, warm, bytes}, onnxruntime: …, cold, warm, loading}: milliseconds, and our share of onnxruntime-web's;
 * `loading` is that of a cold visit without what the page takes before it asks for an engine.
 */
export async function coldStart(server, which, { engines, rounds, module }) {
  const seen = await inTurns(engines, Math.min(rounds, MOST_ROUNDS), (engine) =>
    visitTwice(server, {
      engine,
      threads: 1,
      module,
      url: which.url,
      inputs: `/inputs/${which.key}`,
    }),
  );
  const figures = { rounds: seen.length };
  for (const engine of engines) {
    figures[engine] = {
      cold: spread(seen.map((round) => round[engine].cold)),
      warm: spread(seen.map((round) => round[engine].warm)),
      bytes: seen[0][engine].bytes,
    };
  }
  if (engines.length < 2) return figures;
  const loading = ({ cold, opened }) => cold - opened;
  figures.loading = spread(
    seen.map(({ sardonyx, onnxruntime }) => loading(sardonyx) / loading(onnxruntime)),
  );
  for (const cache of ['cold', 'warm']) {
    figures[cache] = spread(
      seen.map(({ sardonyx, onnxruntime }) => sardonyx[cache] / onnxruntime[cache]),
    );
  }
  return figures;
}
