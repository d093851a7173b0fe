// The folders of ONNX's backend suite: GROUP/TEST/{model.onnx, test_data_set_N/}.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export interface SuiteCase {
  /** "node/test_abs", "v1.8.1/test_abs". */
  readonly id: string;
  readonly folder: string;
}

const folders = (path: string) =>
  readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();

export function findCases(root: string): SuiteCase[] {
  return folders(root).flatMap((group) =>
    folders(join(root, group))
      .map((test) => ({ id: `${group}/${test}`, folder: join(root, group, test) }))
      .filter(({ folder }) => existsSync(join(folder, 'model.onnx'))),
  );
}

export const dataSets = (folder: string): string[] =>
  folders(folder)
    .filter((name) => name.startsWith('test_data_set_'))
    .map((name) => join(folder, name));

/** input_0.pb, input_1.pb… of a data set, as far as they go. */
export function numbered(folder: string, prefix: 'input' | 'output'): string[] {
  const files: string[] = [];
  for (;;) {
    const file = join(folder, `${prefix}_${files.length}.pb`);
    if (!existsSync(file)) return files;
    files.push(file);
  }
}
