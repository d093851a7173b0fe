// Node programs of ours use the built library beside them: one engine, one class of errors.
import { join, resolve } from 'node:path';

/** An esbuild plugin: imports of `entry`, a folder's index, become imports of `library`. */
export function libraryBeside(root, library, entry = 'web/index') {
  const source = join(root, entry);
  return {
    name: 'library beside',
    setup({ onResolve }) {
      onResolve({ filter: /\/index(\.js)?$/ }, ({ path, resolveDir }) =>
        resolve(resolveDir, path).replace(/\.js$/, '') === source
          ? { path: library, external: true }
          : undefined,
      );
    },
  };
}
