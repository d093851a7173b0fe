// The model that a command is about.
import { pathToFileURL } from 'node:url';
import { load, type LoadOptions, type Session, type ValueInfo } from '../web/index.js';
import { dimsText } from '../worker/dtypes.js';
import { assignments, onePath, type Arguments, type Options } from './command.js';

export const EXTERNAL: Options = { external: { type: 'string', multiple: true } };
export const EXTERNAL_HELP = `  --external NAME=FILE   weights that lie in a file of their own, by the name the model has for it`;

/** A path, or a URL. */
export const toUrl = (file: string): URL =>
  /^(https?|file):\/\//.test(file) ? new URL(file) : pathToFileURL(file);

/** Loads the model, gives it to `use` and always ends its session. */
export async function withModel<T>(
  given: Arguments,
  force: NonNullable<LoadOptions['force']>,
  use: (session: Session, file: string) => Promise<T>,
): Promise<T> {
  const file = onePath(given, 'model file');
  const externalData: Record<string, URL> = {};
  for (const [name, path] of assignments(given, 'external')) externalData[name] = toUrl(path);
  const session = await load(toUrl(file), { force, externalData });
  try {
    return await use(session, file);
  } finally {
    await session.dispose();
  }
}

export function describeValue({ name, type, shape, optional }: ValueInfo): string {
  return `${name}  ${type} [${dimsText(shape)}]${optional ? ', optional' : ''}`;
}
