// A process that runs a share of the suite: node main.mjs FOLDER PART PARTS [--from ID] [--filter TEXT]
// Prints one line of JSON as a test starts ({"start"}) and one when it has ended (a CaseResult), so that
// the parent knows which one crashed or hangs.
import { parseArgs } from 'node:util';
import { runCase } from './run_case.js';
import { findCases } from './suite.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { from: { type: 'string' }, filter: { type: 'string', default: '' } },
});
const [folder, part, parts] = positionals;
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);

const mine = findCases(folder!)
  .filter(({ id }) => id.includes(values.filter))
  .filter((_, i) => i % Number(parts) === Number(part));
const after = values.from === undefined ? -1 : mine.findIndex(({ id }) => id === values.from);
for (const test of mine.slice(after + 1)) {
  say({ start: test.id });
  say(await runCase(test));
}
