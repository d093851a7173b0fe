// npm run size: bytes of the relaxed module by operator family and part of the engine, and what a page
// downloads. Needs a build (npm run build).
//   --write   writes docs/size.md
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { brotliCompressSync } from 'node:zlib';
import { format } from 'prettier';
import { buildDir } from './cmake.mjs';
import { main, output } from './process.mjs';
import { root } from './setup/paths.mjs';
import { codeSizes } from './wasm_sections.mjs';

const PRESET = 'wasm-relaxed';
const DOWNLOAD = [
  'sardonyx.relaxed.wasm',
  'worker.js',
  'index.mjs',
  'manifest.mjs',
  'remote.mjs',
  'webgpu.mjs',
];
const PARTS = ['base', 'simd', 'ops', 'engine', 'loader', 'c_api'];

const unescape = (name) =>
  name.replace(/\\([0-9a-f]{2})/g, (_, code) => String.fromCharCode(parseInt(code, 16)));

/** Names of linked functions by index: emcc's --emit-symbol-map. */
function functionNames(file) {
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return new Map(
    lines.map((line) => [Number.parseInt(line, 10), unescape(line.slice(line.indexOf(':') + 1))]),
  );
}

const objectsBelow = (folder) =>
  readdirSync(folder, { recursive: true })
    .filter((file) => file.endsWith('.cc.o'))
    .map((file) => join(folder, file));

/** Function → where it is defined: "ops/conv" for an operator family, "simd" for other parts. */
async function owners() {
  const found = new Map();
  for (const part of PARTS) {
    const objects = objectsBelow(join(buildDir(PRESET), part));
    // Objects built for link-time optimisation are LLVM bitcode.
    const text = await output('llvm-nm-19', [
      '--demangle',
      '--defined-only',
      '--print-file-name',
      ...objects,
    ]);
    for (const [, object, kind, name] of text.matchAll(/^(\S+): \S* (\w) (.+)$/gm)) {
      if (!'TtWw'.includes(kind) || found.has(name)) continue;
      found.set(name, part === 'ops' ? `ops/${basename(object, '.cc.o')}` : part);
    }
  }
  return found;
}

// What is left belongs to libraries.
function libraryOf(name) {
  if (/google::protobuf|onnx::/.test(name)) return 'protobuf and the ONNX schema';
  if (/std::|^operator |__cxxabi/.test(name)) return 'C++ library';
  return 'C library and threads';
}

async function bytesByOwner() {
  const module = join(buildDir(PRESET), 'c_api/sardonyx.wasm');
  if (!existsSync(module)) throw new Error(`missing: ${module}. Type: npm run build`);
  const bytes = readFileSync(module);
  const { functions, otherSections } = codeSizes(bytes);
  const names = functionNames(join(buildDir(PRESET), 'c_api/sardonyx.js.symbols'));
  const defined = await owners();
  const total = new Map();
  for (const [index, size] of functions) {
    const name = names.get(index) ?? '';
    // The optimiser's copies of a function have a suffix.
    const owner = defined.get(name) ?? defined.get(name.replace(/[.$].*$/, '')) ?? libraryOf(name);
    total.set(owner, (total.get(owner) ?? 0) + size);
  }
  total.set('data, tables and types', otherSections);
  return { raw: bytes.length, rows: [...total].sort(([, a], [, b]) => b - a) };
}

const number = (value) => value.toLocaleString('en-US');
const table = (head, rows) =>
  [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');

async function page() {
  const { raw, rows } = await bytesByOwner();
  const files = DOWNLOAD.map((name) => {
    const bytes = readFileSync(join(root, 'dist', name));
    return [name, bytes.length, brotliCompressSync(bytes).length];
  });
  const sum = (column) => files.reduce((total, row) => total + row[column], 0);
  const families = rows.filter(([owner]) => owner.startsWith('ops/'));
  const parts = rows.filter(([owner]) => !owner.startsWith('ops/'));
  const ops = families.reduce((total, [, size]) => total + size, 0);
  return format(
    `# Size

Made by \`npm run size -- --write\` from a build of \`npm run build\`. Bytes.

## What a page downloads

${table(
  ['File', 'Raw', 'Brotli'],
  [...files, ['Together', sum(1), sum(2)]].map(([name, ...sizes]) => [name, ...sizes.map(number)]),
)}

A page downloads one of the two modules, manifest.mjs only for a model with a manifest, remote.mjs only to ask
a server, and webgpu.mjs only where WebGPU is used. A module for certain models is much smaller: [hacking.md](hacking.md#a-module-for-certain-models).

## The relaxed module, ${number(raw)} bytes

${table(
  ['Part', 'Bytes'],
  [['ops', ops], ...parts]
    .sort(([, a], [, b]) => b - a)
    .map(([part, size]) => [part, number(size)]),
)}

## Operator families

Machine code of \`ops/<family>.cc\`; what several families share stands under its own file, vector loops under simd above.

${table(
  ['Family', 'Bytes'],
  families.map(([owner, size]) => [owner.slice(4), number(size)]),
)}
`,
    { parser: 'markdown' },
  );
}

await main('npm run size', async () => {
  const { values } = parseArgs({ options: { write: { type: 'boolean', default: false } } });
  const text = await page();
  if (values.write) writeFileSync(join(root, 'docs/size.md'), text);
  else console.log(text);
});
