// sardonyx pack: the manifest of a folder of variants.
import { randomUUID } from 'node:crypto';
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { FORMAT, manifestParser, type Manifest, type Precision } from '../manifest/parse.js';
import { SardonyxError } from '../web/index.js';
import {
  assignments,
  onePath,
  optionalText,
  UsageError,
  wholeNumber,
  type Arguments,
  type Command,
} from './command.js';
import { commonInterface } from './pack/interface.js';
import { measureAnswers } from './pack/known_answers.js';
import { identifier, nameEach, openVariant, type VariantFile } from './pack/variant_file.js';

const ENDING = '.sardonyx.json';
const PRECISIONS: readonly string[] = ['fp32', 'fp16', 'int8', 'int4'] satisfies Precision[];

const refuse = (message: string, field: string) =>
  new SardonyxError('INVALID_ARGUMENT', message, { field });

/** By file name, with or without its ending. */
function precisions(given: Arguments, files: readonly string[]): Map<string, Precision> {
  const result = new Map<string, Precision>();
  for (const [name, precision] of assignments(given, 'precision')) {
    if (!PRECISIONS.includes(precision)) {
      throw new UsageError(`--precision is ${PRECISIONS.join(', ')}, not ${precision}`);
    }
    const file = name.endsWith('.onnx') ? name : `${name}.onnx`;
    if (!files.includes(file)) throw new UsageError(`--precision: there is no ${file}`);
    result.set(file, precision as Precision);
  }
  return result;
}

function sizes(given: Arguments): Map<string, number> {
  return new Map(
    [...assignments(given, 'dim')].map(([name, size]) => {
      if (!/^\d{1,9}$/.test(size)) throw new UsageError(`--dim takes NAME=N, not ${name}=${size}`);
      return [name, Number(size)];
    }),
  );
}

async function listFolder(folder: string): Promise<string[]> {
  return (
    await readdir(folder).catch((thrown: unknown) => {
      throw refuse(`can not read the folder ${folder}: ${String(thrown)}`, 'DIR');
    })
  ).sort();
}

async function outFile(given: Arguments, folder: string, names: readonly string[]) {
  const [out, name] = [optionalText(given, 'out'), optionalText(given, 'name')];
  if (out !== undefined) {
    const isFolder = await stat(out).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (!isFolder && out.endsWith('.json')) return resolve(out);
    throw new UsageError(`--out is a file whose name ends in ${ENDING}, not ${out}`);
  }
  const manifests = names.filter((file) => file.endsWith(ENDING));
  if (name === undefined && manifests.length > 1) {
    throw new UsageError(`${folder} has several manifests: choose one with --name or --out`);
  }
  if (name === undefined && manifests[0]) return join(folder, manifests[0]);
  return join(folder, `${identifier(name ?? basename(folder))}${ENDING}`);
}

async function readEarlier(out: string): Promise<Manifest | undefined> {
  const json = await readFile(out, 'utf8').catch((thrown: unknown) => {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw refuse(`can not read ${out}: ${String(thrown)}`, 'out');
  });
  return json === undefined ? undefined : check(json, out);
}

const check = async (json: string, out: string) =>
  (await manifestParser())(json, pathToFileURL(out).href);

/** As they were; new ones by precision, the most exact first. */
function inOrder(files: readonly VariantFile[], earlier: Manifest | undefined): VariantFile[] {
  const urls = earlier?.variants.map(({ url }) => url) ?? [];
  const rank = ({ variant: { url, precision } }: VariantFile) =>
    urls.includes(url) ? urls.indexOf(url) : urls.length + PRECISIONS.indexOf(precision);
  return [...files].sort((a, b) => rank(a) - rank(b));
}

/** All of it or nothing: a reader never finds half a manifest. */
async function writeWhole(out: string, json: string): Promise<void> {
  const draft = `${out}.${randomUUID()}.tmp`;
  try {
    await writeFile(draft, json, { flag: 'wx' });
    await rename(draft, out);
  } catch (thrown) {
    await rm(draft, { force: true });
    throw refuse(`can not write ${out}: ${String(thrown)}`, 'out');
  }
}

interface Packed {
  readonly manifest: Manifest;
  readonly off: Readonly<Record<string, number>>;
}

async function describe(
  files: readonly VariantFile[],
  earlier: Manifest | undefined,
  given: Arguments,
  folder: string,
): Promise<Packed> {
  const license = optionalText(given, 'license') ?? earlier?.license;
  if (license === undefined) throw new UsageError('a new manifest needs --license, such as MIT');
  const values = commonInterface(files, earlier);
  const reference = files.find(({ variant }) => variant.precision === 'fp32') ?? files[0]!;
  const seed = wholeNumber(given, 'seed') ?? 1;
  const known = earlier?.knownAnswers ?? [];
  const { answers, off } = await measureAnswers(files, reference, known, sizes(given), seed);
  const manifest: Manifest = {
    ...earlier,
    format: FORMAT,
    name: optionalText(given, 'name') ?? earlier?.name ?? identifier(basename(folder)),
    version: optionalText(given, 'version') ?? earlier?.version ?? '1.0.0',
    license,
    ...values,
    variants: files.map(({ variant }) => variant),
    knownAnswers: answers,
  };
  return { manifest, off };
}

async function pack(given: Arguments) {
  const folder = resolve(onePath(given, 'folder'));
  const names = await listFolder(folder);
  const models = names.filter((file) => file.endsWith('.onnx'));
  if (models.length === 0) throw refuse(`there is no .onnx file in ${folder}`, 'DIR');
  const forced = precisions(given, models);
  const out = await outFile(given, folder, names);
  const earlier = await readEarlier(out);
  const files: VariantFile[] = [];
  try {
    for (const file of models) {
      const path = join(folder, file);
      files.push(await openVariant(path, out, forced.get(file), earlier?.variants ?? []));
    }
    const ordered = inOrder(nameEach(files), earlier);
    const { manifest, off } = await describe(ordered, earlier, given, folder);
    const json = `${JSON.stringify(manifest, null, 2)}\n`;
    await check(json, out);
    await writeWhole(out, json);
    return { out, manifest, off };
  } finally {
    await Promise.all(files.map(({ session }) => session.dispose()));
  }
}

export const packCommand: Command = {
  usage:
    'pack DIR [--name NAME] [--version V] [--license TEXT] [--out FILE] [--dim NAME=N …]\n' +
    '             [--precision FILE=fp32|fp16|int8|int4 …] [--seed N] [--json]',
  summary: 'Write the manifest of a folder of .onnx files that are variants of one model',
  help: `  --name NAME            default: that of the manifest there, else the folder's
  --version V            default: that of the manifest there, else 1.0.0
  --license TEXT         an SPDX expression or a sentence; needed for a new manifest
  --out FILE             default: the manifest in DIR, else DIR/NAME${ENDING}
  --dim NAME=N           size of a symbolic dim in the known answer, default 1
  --precision FILE=P     instead of what operators and weights say
  --seed N               of the random numbers in the known answer, default 1
  --json                 the same as JSON

Fields that people write (title, labels, prepare, devices…) and the known answers of a manifest that
is there stay; answers that the variants do not give any more are measured again on the same inputs.`,
  options: {
    name: { type: 'string' },
    version: { type: 'string' },
    license: { type: 'string' },
    out: { type: 'string' },
    dim: { type: 'string', multiple: true },
    precision: { type: 'string', multiple: true },
    seed: { type: 'string' },
  },
  async run(given) {
    const { out, manifest, off } = await pack(given);
    const { name, version, variants } = manifest;
    const lines = variants.map(
      ({ name, url, bytes, devices }) =>
        `  ${name}  ${url}, ${bytes} bytes, for ${devices.join(' and ')}, off by ${off[name]!.toPrecision(2)}\n`,
    );
    return {
      text: `${out}: ${name} ${version}\n${lines.join('')}`,
      json: { file: out, off, manifest },
    };
  },
};
