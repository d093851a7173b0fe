#!/usr/bin/env node
// The command `sardonyx`. Exit status: 0 done, 1 an error, 2 wrong arguments.
import { SardonyxError } from '../web/index.js';
import { readArguments, UsageError, type Command } from './command.js';
import { doctor } from './doctor.js';
import { inspect } from './inspect.js';
import { packCommand } from './pack.js';
import { problemJson, problemText } from './problem.js';
import { profile } from './profile.js';
import { quantizeCommand } from './quantize.js';
import { run } from './run.js';
import { serveCommand } from './serve.js';
import { VERSION } from './version.js';

const COMMANDS = new Map<string, Command>(
  Object.entries({
    inspect,
    run,
    profile,
    quantize: quantizeCommand,
    pack: packCommand,
    serve: serveCommand,
    doctor,
  }),
);

function overview(): string {
  const lines = [...COMMANDS].map(([name, { summary }]) => `  ${name.padEnd(9)} ${summary}`);
  return `sardonyx ${VERSION}: ONNX models on the engine that runs in the browser

${lines.join('\n')}

sardonyx COMMAND --help says more. Exit status: 0 done, 1 an error, 2 wrong arguments.
`;
}

const helpOf = ({ usage, summary, help }: Command) =>
  `sardonyx ${usage}\n\n${summary}.\n\n${help}\n`;

const print = (json: unknown) => process.stdout.write(`${JSON.stringify(json, null, 2)}\n`);

function refuse(message: string, hint: string): number {
  process.stderr.write(`${message}\n${hint}\n`);
  return 2;
}

async function main([name, ...rest]: readonly string[]): Promise<number> {
  if (name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(overview());
    return 0;
  }
  if (name === '--version') {
    process.stdout.write(`${VERSION}\n`);
    return 0;
  }
  const command = COMMANDS.get(name ?? '');
  if (!command) {
    return refuse(name ? `there is no command ${name}` : 'the command is missing', overview());
  }
  let json = rest.includes('--json');
  try {
    const given = readArguments(command, rest);
    if (given.values.help) {
      process.stdout.write(helpOf(command));
      return 0;
    }
    json = given.values.json === true;
    const report = await command.run(given);
    if (json) print(report.json);
    else process.stdout.write(report.text);
    return report.failed ? 1 : 0;
  } catch (thrown) {
    if (thrown instanceof UsageError) {
      if (json) print(problemJson(new SardonyxError('INVALID_ARGUMENT', thrown.message)));
      return refuse(thrown.message, `usage: sardonyx ${command.usage}`);
    }
    if (json) print(problemJson(thrown));
    else process.stderr.write(problemText(thrown));
    return 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
