// quantize/onnx.proto -> quantize/onnx_pb.generated.ts, by buf and protoc-gen-es.
//   node tools/generate_onnx_messages.mjs           write it
//   node tools/generate_onnx_messages.mjs --check   fail when it is not what would be written
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { format } from 'prettier';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name) => join(root, 'node_modules/.bin', name);
const head = '// Written by tools/generate_onnx_messages.mjs from quantize/onnx.proto.\n';

function compile(out) {
  const plugin = { local: bin('protoc-gen-es'), out, opt: ['target=ts'] };
  const template = JSON.stringify({ version: 'v2', plugins: [plugin] });
  execFileSync(bin('buf'), ['generate', join(root, 'quantize'), '--template', template]);
  return readFileSync(join(out, 'onnx_pb.ts'), 'utf8');
}

export async function generate() {
  const style = JSON.parse(readFileSync(join(root, '.prettierrc.json'), 'utf8'));
  const folder = mkdtempSync(join(tmpdir(), 'onnx_messages_'));
  try {
    // Comments of the plugin tell its version and lint settings.
    const code = compile(folder).replace(/^(\/\/|\/\* eslint).*\n/gm, '');
    const text = await format(head + code, { parser: 'typescript', ...style });
    return { 'quantize/onnx_pb.generated.ts': text };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const [file, text] of Object.entries(await generate())) {
    if (!process.argv.includes('--check')) writeFileSync(join(root, file), text);
    else if (readFileSync(join(root, file), 'utf8') !== text) {
      console.error(`${file} is stale. Type: node tools/generate_onnx_messages.mjs`);
      process.exitCode = 1;
    }
  }
}
