// Engines that break for real: /broken/<how>/ has the files of dist/, one or two of them changed.
//   relaxed  the relaxed module traps in every run
//   both     both modules do
//   demand   the worker traps when it gets { type: 'trap' }, before runs that are given after that: all come by message
//   lane     the same, with short runs by shared memory
//   half     the relaxed module is cut in half
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Answer } from '../tools/server.mjs';

const dist = join(import.meta.dirname, '../dist');

// A module with one function, which traps.
const trap = [
  [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  [1, 4, 1, 0x60, 0, 0],
  [3, 2, 1, 0],
  [7, 5, 1, 1, 0x66, 0, 0],
  [10, 5, 1, 3, 0, 0x00, 0x0b],
].flat();

const trapOnDemand = `
addEventListener('message', ({ data }) => {
  if (data.type !== 'trap') return;
  new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.of(${trap.join()}))).exports.f();
});`;

const noLane = `
addEventListener('message', ({ data }) => {
  if (data.type === 'start') data.lane = null;
});`;

const changes: Readonly<Record<string, Readonly<Record<string, (bytes: Buffer) => Buffer>>>> = {
  relaxed: { 'sardonyx.relaxed.wasm': withTrap },
  both: { 'sardonyx.relaxed.wasm': withTrap, 'sardonyx.simd.wasm': withTrap },
  demand: {
    'worker.js': (text) => Buffer.concat([Buffer.from(noLane), text, Buffer.from(trapOnDemand)]),
  },
  lane: { 'worker.js': (text) => Buffer.concat([text, Buffer.from(trapOnDemand)]) },
  half: { 'sardonyx.relaxed.wasm': (bytes) => bytes.subarray(0, bytes.length / 2) },
};

export function answerBroken({ path }: { path: string }): Answer | undefined {
  const [, , how = '', file = ''] = path.split('/');
  const types: Readonly<Record<string, string>> = { wasm: 'application/wasm' };
  const type = types[file.split('.').at(-1)!] ?? 'text/javascript';
  const change = changes[how];
  if (!change || !/^[\w.]+$/.test(file)) return undefined;
  const bytes = readFileSync(join(dist, file));
  return { body: change[file]?.(bytes) ?? bytes, type };
}

// The module with a trap for the body of sx_run_advance().
function withTrap(bytes: Buffer): Buffer {
  const wasm = Buffer.from(bytes);
  const exported = exportName('sx_run_advance');
  const reader = new Reader(wasm, 8);
  let imports = 0;
  let target = -1;
  while (reader.at < wasm.length) {
    const id = reader.byte();
    const end = reader.number() + reader.at;
    if (id === 2) imports = countFunctionImports(reader);
    if (id === 7) target = functionExport(reader, exported) - imports;
    if (id === 10) trapIn(reader, target);
    reader.at = end;
  }
  return wasm;
}

// The linker shortens the names of exports; the glue in worker.js knows them.
function exportName(name: string): string {
  const glue = readFileSync(join(dist, 'worker.js'), 'utf8');
  const found = new RegExp(`_${name}=[\\w$]+\\.([\\w$]+)\\)`).exec(glue)?.[1];
  if (!found) throw new Error(`worker.js has no export ${name}`);
  return found;
}

class Reader {
  constructor(
    readonly bytes: Buffer,
    public at: number,
  ) {}

  byte(): number {
    return this.bytes[this.at++]!;
  }

  // LEB128.
  number(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  text(): string {
    const length = this.number();
    this.at += length;
    return this.bytes.toString('utf8', this.at - length, this.at);
  }
}

function countFunctionImports(reader: Reader): number {
  let functions = 0;
  for (let count = reader.number(); count > 0; count--) {
    reader.text();
    reader.text();
    const kind = reader.byte();
    if (kind === 0) functions++;
    // A type; a table's or memory's limits; a global.
    if (kind === 1) reader.byte();
    if (kind === 1 || kind === 2) {
      const hasMaximum = (reader.byte() & 1) === 1;
      reader.number();
      if (hasMaximum) reader.number();
    } else if (kind === 3) reader.at += 2;
    else reader.number();
  }
  return functions;
}

function functionExport(reader: Reader, wanted: string): number {
  for (let count = reader.number(); count > 0; count--) {
    const name = reader.text();
    const kind = reader.byte();
    const index = reader.number();
    if (kind === 0 && name === wanted) return index;
  }
  throw new Error(`the module has no export ${wanted}`);
}

// `unreachable` and nops, so that no length changes.
function trapIn(reader: Reader, target: number): void {
  reader.number();
  for (let index = 0; index < target; index++) {
    const size = reader.number();
    reader.at += size;
  }
  const size = reader.number();
  const body = reader.bytes.subarray(reader.at, reader.at + size);
  body.fill(0x01);
  body[0] = 0;
  body[1] = 0x00;
  body[size - 1] = 0x0b;
}
