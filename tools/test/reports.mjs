// Totals of the test runners, read from the reports they leave.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const none = () => ({ passed: 0, failed: 0, skipped: 0 });

export function add(total, part) {
  for (const key of Object.keys(total)) total[key] += part[key];
  return total;
}

/** CTest: the cases of each Catch2 program; a program without a complete report counts as one test. */
export function ctestTotals(resultsDir) {
  const total = none();
  const junit = readFileSync(join(resultsDir, 'ctest.xml'), 'utf8');
  for (const [, name, status] of junit.matchAll(/<testcase name="([^"]+)"[^>]*status="([^"]+)"/g)) {
    add(total, catch2Totals(join(resultsDir, `${name}.xml`), status));
  }
  return total;
}

function catch2Totals(file, status) {
  const ok = status === 'run';
  const report = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const cases = /<OverallResultsCases ([^/]*)\/>/.exec(report);
  if (!cases) {
    if (status === 'notrun' || status === 'disabled') return { ...none(), skipped: 1 };
    return ok ? { ...none(), passed: 1 } : { ...none(), failed: 1 };
  }
  const count = (key) => Number(new RegExp(`\\b${key}="(\\d+)"`).exec(cases[1])?.[1] ?? 0);
  const failed = count('failures');
  return {
    passed: count('successes') + count('expectedFailures'),
    failed: failed === 0 && !ok ? 1 : failed,
    skipped: count('skips'),
  };
}

export function vitestTotals(file) {
  const report = readJson(file);
  if (!report) return none();
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

export function playwrightTotals(file) {
  const stats = readJson(file)?.stats;
  if (!stats) return none();
  return {
    passed: stats.expected + stats.flaky,
    failed: stats.unexpected,
    skipped: stats.skipped,
  };
}

const readJson = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined);
