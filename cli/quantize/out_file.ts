// Where the result goes.
import { open, realpath, rm, stat } from 'node:fs/promises';
import { dirname, extname, isAbsolute, join, parse, relative, resolve } from 'node:path';
import { assignments, optionalText, UsageError, type Arguments } from '../command.js';
import { cannotWrite, draftOf } from './publish.js';
import { EXTENSIONS } from './samples.js';

const statOf = (path: string) => stat(path).catch(() => undefined);
const real = (path: string) => realpath(path).catch(() => path);

/** Refuses what is no plain file, what the command reads (but FILE with --force), and folders that nothing can be written to. */
export async function outFile(file: string, suffix: string, given: Arguments): Promise<string> {
  const { dir, name } = parse(file);
  const out = resolve(optionalText(given, 'out') ?? join(dir, `${name}_${suffix}.onnx`));
  const found = await statOf(out);
  if (found?.isDirectory()) throw new UsageError(`--out is a file, and ${out} is a folder`);
  if (found && !found.isFile()) throw new UsageError(`--out: ${out} is no plain file`);
  if (!(await statOf(dirname(out)))?.isDirectory()) {
    throw new UsageError(`--out: there is no folder ${dirname(out)}`);
  }
  if (found) await refuseRead(out, file, given);
  await probe(out);
  return out;
}

async function refuseRead(out: string, file: string, given: Arguments): Promise<void> {
  const target = await real(out);
  if (target === (await real(resolve(file)))) {
    if (given.values.force === true) return;
    throw new UsageError(`${out} is the model itself: name another file, or add --force`);
  }
  const others = ['external', 'input'].flatMap((option) => [
    ...assignments(given, option).values(),
  ]);
  for (const other of others) {
    if (target === (await real(resolve(other)))) {
      throw new UsageError(`--out: ${out} is read by this command: name another file`);
    }
  }
  const samples = optionalText(given, 'calibrate') ?? 'random';
  if (samples === 'random' || !EXTENSIONS.includes(extname(target).toLowerCase())) return;
  const inside = relative(await real(resolve(samples)), target);
  if (!inside.startsWith('..') && !isAbsolute(inside)) {
    throw new UsageError(`--out: ${out} lies among the samples: name another file`);
  }
}

/** What takes minutes should not be in vain. */
async function probe(out: string): Promise<void> {
  const draft = draftOf(out);
  try {
    await (await open(draft, 'wx')).close();
    await rm(draft);
  } catch (thrown) {
    throw cannotWrite(out, thrown);
  }
}
