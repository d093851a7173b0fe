// base/errors.def -> worker/errors.generated.ts and docs/errors.md.
//   node tools/generate_errors.mjs           write both
//   node tools/generate_errors.mjs --check   fail when one of them is not what would be written
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { format } from 'prettier';

const root = fileURLToPath(new URL('..', import.meta.url));
const SCOPES = ['caller', 'model', 'route', 'network', 'storage'];
const ENTRY = /^SX_ERROR\((\w+), (\d+), (\w+), "((?:[^"\\]|\\.)*)"\)$/;

export function parseErrors(text) {
  const errors = [];
  for (const line of text.split('\n')) {
    if (!line.startsWith('SX_ERROR(')) continue;
    const match = ENTRY.exec(line);
    if (!match) throw new Error(`errors.def: can not read: ${line}`);
    const [, code, number, scope, remedy] = match;
    if (!SCOPES.includes(scope)) throw new Error(`errors.def: ${code} has no scope named ${scope}`);
    if (errors.some((e) => e.code === code || e.number === Number(number))) {
      throw new Error(`errors.def: ${code} (${number}) is there twice`);
    }
    errors.push({ code, number: Number(number), scope, remedy: JSON.parse(`"${remedy}"`) });
  }
  return errors;
}

export function typescript(errors) {
  const rows = errors.map(
    (e) => `  ${e.code}: [${e.number}, '${e.scope}', ${JSON.stringify(e.remedy)}],`,
  );
  return `// Written by tools/generate_errors.mjs from base/errors.def.
export type ErrorScope = ${SCOPES.map((s) => `'${s}'`).join(' | ')};

// Code -> [number in the C ABI, scope, remedy].
export const ERRORS = {
${rows.join('\n')}
} as const satisfies Record<string, readonly [number, ErrorScope, string]>;

export type ErrorCode = keyof typeof ERRORS;
`;
}

export function markdown(errors) {
  const sections = {
    caller: 'The call is wrong; the session goes on.',
    model: 'The model is wrong or needs something the engine lacks.',
    route: 'The engine failed on this device; the session starts a new worker.',
    network: 'A download failed.',
    storage: 'Storage of the browser failed.',
  };
  const parts = SCOPES.map((scope) => {
    const rows = errors
      .filter((e) => e.scope === scope)
      .map((e) => `| \`${e.code}\` | ${e.number} | ${e.remedy.replaceAll('|', '\\|')} |`);
    return `## ${scope}\n\n${sections[scope]}\n\n| Code | Number | Remedy |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
  });
  return `# Errors

Every failure is a \`SardonyxError\` with a stable \`code\`, a \`scope\`, a message that names the node,
operator or tensor (also in \`where\`), and a \`remedy\`. An aborted load or run rejects with
\`signal.reason\` instead. Written by \`tools/generate_errors.mjs\` from \`base/errors.def\`.

${parts.join('\n')}`;
}

export async function generate() {
  const errors = parseErrors(readFileSync(join(root, 'base/errors.def'), 'utf8'));
  const style = JSON.parse(readFileSync(join(root, '.prettierrc.json'), 'utf8'));
  return {
    'worker/errors.generated.ts': await format(typescript(errors), {
      parser: 'typescript',
      ...style,
    }),
    'docs/errors.md': await format(markdown(errors), { parser: 'markdown', ...style }),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const [file, text] of Object.entries(await generate())) {
    if (!process.argv.includes('--check')) writeFileSync(join(root, file), text);
    else if (readFileSync(join(root, file), 'utf8') !== text) {
      console.error(`${file} is stale. Type: node tools/generate_errors.mjs`);
      process.exitCode = 1;
    }
  }
}
