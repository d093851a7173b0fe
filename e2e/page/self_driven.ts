// Pages that drive themselves tell the test server what they do: see e2e/engines/reports.ts.
import type { Report } from '../engines/reports';

const run = new URLSearchParams(location.search).get('run') ?? '';

export async function post(report: Report): Promise<void> {
  const answer = await fetch(`/report/${run}`, { method: 'POST', body: JSON.stringify(report) });
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

const describe = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}\n${error.stack ?? ''}` : String(error);
