// sardonyx doctor: what this machine offers and what would be used of it.
import { choose } from '../router/choose.js';
import { probeFeatures } from '../router/features.js';
import { UsageError, type Command } from './command.js';
import { problemJson, problemText } from './problem.js';
import { VERSION } from './version.js';

function attempt<T>(work: () => T): { value: T } | { thrown: unknown } {
  try {
    return { value: work() };
  } catch (thrown) {
    return { thrown };
  }
}

export const doctor: Command = {
  usage: 'doctor [--json]',
  summary: 'What this Node can do, and which module and how many threads would be used',
  help: '  --json   the same as JSON\n\nThe exit status is 1 when models can not run here.',
  options: {},
  async run({ positionals }) {
    if (positionals.length > 0) throw new UsageError('doctor takes no file');
    const features = await probeFeatures();
    const choice = attempt(() => choose(features));
    const { node, v8 } = process.versions;
    const facts: [string, string][] = [
      ['sardonyx', VERSION],
      ['node', `${node}, V8 ${v8}, ${process.platform} ${process.arch}`],
      ['SIMD', features.engine ? 'yes' : 'no (or no shared memory)'],
      ['relaxed SIMD', features.relaxedSimd ? 'yes' : 'no'],
      ['threads', features.isolated ? 'yes' : 'no'],
      ['cores', String(features.cores)],
    ];
    const lines = facts.map(([name, value]) => `${name.padEnd(13)} ${value}\n`).join('');
    const versions = { sardonyx: VERSION, node, v8 };
    const { platform, arch } = process;
    const { engine, relaxedSimd, isolated, cores } = features;
    const found = { versions, platform, arch, engine, relaxedSimd, threads: isolated, cores };
    if ('thrown' in choice) {
      const problem = problemJson(choice.thrown) as object;
      return {
        text: `${lines}\n${problemText(choice.thrown)}`,
        json: { ...found, ...problem },
        failed: true,
      };
    }
    const { module, threads, why } = choice.value;
    return {
      text: `${lines}chosen        ${module}, ${threads} ${threads === 1 ? 'thread' : 'threads'}\n${why
        .map((reason) => `  ${reason}\n`)
        .join('')}`,
      json: { ...found, chosen: { module, threads, why } },
    };
  },
};
