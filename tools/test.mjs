// npm test: every test there is, stage by stage.
//   npm test -- --only native,vitest   these stages only
//   npm test -- --keep-going           go on after a stage that failed
//   npm test -- -j 1                   parallel jobs
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { main, seconds } from './process.mjs';
import { setup } from './setup/index.mjs';
import { add, none } from './test/reports.mjs';
import { stages } from './test/stages.mjs';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    jobs: { type: 'string', short: 'j', default: String(availableParallelism()) },
    'keep-going': { type: 'boolean', default: false },
  },
});

await main('npm test', async () => {
  const start = Date.now();
  const chosen = choose(values.only);
  await setup();
  const total = none();
  const lines = [];
  let stopped = false;
  for (const stage of chosen) {
    if (stopped) {
      lines.push(`${stage.name}: not run`);
      continue;
    }
    const began = Date.now();
    console.log(`\n=== ${stage.name}: ${stage.title}`);
    const outcome = await stage.run({ jobs: Number(values.jobs) }).catch((error) => {
      console.error(error.message);
      return { ...none(), failed: 1 };
    });
    if (typeof outcome === 'string') {
      lines.push(`${stage.name}: skipped, ${outcome}`);
    } else {
      add(total, outcome);
      lines.push(`${stage.name}: ${describe(outcome)} in ${seconds(began)}`);
      stopped = outcome.failed > 0 && !values['keep-going'];
    }
    console.log(`--- ${lines.at(-1)}`);
  }
  console.log(`\n${lines.join('\n')}\nin ${seconds(start)}\n`);
  const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
  console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
  if (total.failed > 0) process.exitCode = 1;
});

function choose(only) {
  if (only === undefined) return stages;
  const names = only.split(',');
  const unknown = names.filter((name) => !stages.some((stage) => stage.name === name));
  if (unknown.length > 0) {
    throw new Error(
      `no stage ${unknown.join(', ')}; there are ${stages.map((s) => s.name).join(', ')}`,
    );
  }
  return stages.filter((stage) => names.includes(stage.name));
}

function describe({ passed, failed, skipped }) {
  if (passed + failed + skipped === 0) return 'ok';
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
