// What the service worker keeps, with a hash of each file.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

const filesUnder = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();

const sha256 = (bytes, encoding) => createHash('sha256').update(bytes).digest(encoding);

/** Eight characters for the content of a folder. */
export function contentHash(folder) {
  const all = createHash('sha256');
  for (const file of filesUnder(folder)) {
    all.update(`${relative(folder, file)} ${sha256(readFileSync(file), 'hex')}\n`);
  }
  return all.digest('hex').slice(0, 8).toUpperCase();
}

/** The library keeps the models itself; browsers never ask for the worker that controls them. */
const keptElsewhere = /\.onnx$|^sw\.js$/;
const namedByContent = /-[0-9A-Z]{8}[./]/;

/** Entries for workbox-precaching: the file must be the one that was built with the others. */
export function precacheList(folder) {
  return filesUnder(folder)
    .map((file) => ({
      url: relative(folder, file).split(sep).join('/'),
      bytes: readFileSync(file),
    }))
    .filter(({ url }) => !keptElsewhere.test(url))
    .map(({ url, bytes }) => ({
      url,
      revision: namedByContent.test(url) ? null : sha256(bytes, 'hex').slice(0, 16),
      integrity: `sha256-${sha256(bytes, 'base64')}`,
    }));
}
