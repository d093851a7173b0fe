// Pages that drive themselves tell a test server what they do: see e2e/engines/reports.ts.
import type { Report } from '../engines/reports';

const reports = new URLSearchParams(location.search).get('reports') ?? '';
const PATIENCE_MS = 60_000;

async function post(report: Report): Promise<void> {
  const answer = await fetch(reports, { method: 'POST', body: JSON.stringify(report) });
  if (!answer.ok) throw new Error(`the test server answers ${answer.status}`);
}

/** Does one step and reports how it ended; a failure does not end the page. */
export async function step(name: string, work: () => Promise<unknown>): Promise<void> {
  await post({ step: name, state: 'begin' });
  try {
    await post({ step: name, state: 'done', result: await work() });
  } catch (error) {
    await post({ step: name, state: 'failed', failure: describe(error) });
  }
}

/** Waits until `holds`; rejects after a minute, naming what was waited for. */
export async function within(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const describe = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}\n${error.stack ?? ''}` : String(error);
