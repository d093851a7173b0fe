import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from '@playwright/test';
import { haveShared, noShared } from './golden';

if (!existsSync(join(import.meta.dirname, '../dist/index.mjs'))) {
  throw new Error('missing: dist/. Type: npm run build');
}
const inRunner = process.env.TEST_WORKER_INDEX === undefined;
if (inRunner && !haveShared) console.log(`skipped: golden outputs: ${noShared}`);

export default defineConfig({
  testDir: '.',
  testMatch: '*.spec.ts',
  outputDir: '../test-results',
  // Timing is part of what is tested, so tests do not compete for the cores.
  workers: 1,
  // Far above what a quiet machine needs: a step of many threads waits for the slowest of them.
  timeout: 120_000,
  expect: { timeout: 30_000 },
  forbidOnly: true,
  use: {
    browserName: 'chromium',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      // A host that is not localhost, for what browsers allow only there and over https.
      args: ['--no-sandbox', '--host-resolver-rules=MAP sardonyx.example 127.0.0.1'],
    },
  },
});
