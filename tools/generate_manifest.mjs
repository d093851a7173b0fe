// manifest/schema.json -> manifest/manifest.generated.ts (types) and manifest/validate.generated.js.
//   node tools/generate_manifest.mjs           write both
//   node tools/generate_manifest.mjs --check   fail when one of them is not what would be written
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import Ajv from 'ajv';
import standalone from 'ajv/dist/standalone/index.js';
import { build } from 'esbuild';
import { compile } from 'json-schema-to-typescript';
import { format } from 'prettier';

const root = fileURLToPath(new URL('..', import.meta.url));
const ANNOTATIONS = new Set(['title', 'description']);
const head = '// Written by tools/generate_manifest.mjs from manifest/schema.json.\n';

async function typescript(schema, style) {
  const text = await compile(schema, 'Manifest', {
    bannerComment: head,
    additionalProperties: false,
    ignoreMinAndMaxItems: true,
    format: false,
  });
  const records = text.replace(/\{\s*\[k: string\]: (\w+);?\s*\}/g, 'Record<string, $1>');
  return format(records, { parser: 'typescript', ...style });
}

// What schemas say to people is not looked at by the validator, which would carry it along.
function withoutAnnotations(schema) {
  if (Array.isArray(schema)) return schema.map(withoutAnnotations);
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key, value]) => !(ANNOTATIONS.has(key) && typeof value === 'string'))
      .map(([key, value]) => [key, withoutAnnotations(value)]),
  );
}

async function validator(schema) {
  const ajv = new Ajv({ code: { source: true, esm: true }, inlineRefs: false });
  const { outputFiles } = await build({
    stdin: { contents: standalone(ajv, ajv.compile(withoutAnnotations(schema))) },
    format: 'esm',
    bundle: true,
    minify: true,
    write: false,
    target: 'es2022',
  });
  return head + outputFiles[0].text;
}

export async function generate() {
  const schema = JSON.parse(readFileSync(join(root, 'manifest/schema.json'), 'utf8'));
  const style = JSON.parse(readFileSync(join(root, '.prettierrc.json'), 'utf8'));
  return {
    'manifest/manifest.generated.ts': await typescript(schema, style),
    'manifest/validate.generated.js': await validator(schema),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const [file, text] of Object.entries(await generate())) {
    if (!process.argv.includes('--check')) writeFileSync(join(root, file), text);
    else if (readFileSync(join(root, file), 'utf8') !== text) {
      console.error(`${file} is stale. Type: node tools/generate_manifest.mjs`);
      process.exitCode = 1;
    }
  }
}
