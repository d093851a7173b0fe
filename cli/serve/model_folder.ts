// The models of a folder: manifests and the .onnx files that no manifest names, there and one level below.
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { manifestParser, variantUrl } from '../../manifest/parse.js';
import { SardonyxError, type LoadOptions } from '../../web/index.js';
import { ServedModel } from './served_model.js';

/** By name, then by version, the newest last. */
export type Models = ReadonlyMap<string, ReadonlyMap<string, ServedModel>>;

const PLAIN_VERSION = '1';

/** INVALID_ARGUMENT when there are none, or two of one name and version; MANIFEST_INVALID. */
export async function findModels(folder: string, options: LoadOptions): Promise<Models> {
  const files = await listFiles(folder);
  const found: ServedModel[] = [];
  const named = new Set<string>();
  const parse = await manifestParser();
  for (const file of files.filter((name) => name.endsWith('.sardonyx.json'))) {
    const url = pathToFileURL(file);
    const manifest = parse(await readFile(file, 'utf8'), url.href);
    for (const variant of manifest.variants) named.add(variantUrl(variant, url.href));
    const { name, version } = manifest;
    found.push(new ServedModel({ name, version, url, manifest }, options));
  }
  for (const file of files.filter((name) => name.endsWith('.onnx'))) {
    const url = pathToFileURL(file);
    if (named.has(url.href)) continue;
    const name = file.replace(/^.*[\\/]/, '').replace(/\.onnx$/, '');
    found.push(new ServedModel({ name, version: PLAIN_VERSION, url }, options));
  }
  if (found.length === 0) throw refuse(`there is no model in ${folder}`);
  return arrange(found, folder);
}

const refuse = (message: string) =>
  new SardonyxError('INVALID_ARGUMENT', message, { field: 'models' });

async function listFiles(folder: string): Promise<string[]> {
  const list = async (path: string) =>
    (await readdir(path, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1));
  try {
    const root = resolve(folder);
    const files: string[] = [];
    for (const entry of await list(root)) {
      const path = join(root, entry.name);
      if (!entry.isDirectory()) files.push(path);
      else for (const { name } of await list(path)) files.push(join(path, name));
    }
    return files;
  } catch (thrown) {
    throw refuse(`can not read the folder ${folder}: ${String(thrown)}`);
  }
}

function arrange(found: readonly ServedModel[], folder: string): Models {
  const models = new Map<string, Map<string, ServedModel>>();
  const byVersion = [...found].sort((a, b) =>
    a.version.localeCompare(b.version, 'en', { numeric: true }),
  );
  for (const model of byVersion) {
    const versions = models.get(model.name) ?? new Map<string, ServedModel>();
    models.set(model.name, versions);
    if (versions.has(model.version)) {
      throw refuse(`${folder} has two models ${model.name}, version ${model.version}`);
    }
    versions.set(model.version, model);
  }
  return models;
}
