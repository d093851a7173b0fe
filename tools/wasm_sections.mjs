// The sizes of the functions of a WebAssembly module: webassembly.github.io/spec/core/binary.
const IMPORTS = 2;
const CODE = 10;
const FUNCTION_IMPORT = 0;

class Cursor {
  constructor(bytes, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }
  u32() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.bytes[this.at++];
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }
  skip(count) {
    this.at += count;
  }
  skipName() {
    this.skip(this.u32());
  }
  skipLimits() {
    const flags = this.bytes[this.at++];
    this.u32();
    if (flags & 1) this.u32();
  }
}

function importedFunctions(cursor) {
  let functions = 0;
  for (let count = cursor.u32(); count > 0; count--) {
    cursor.skipName();
    cursor.skipName();
    const kind = cursor.bytes[cursor.at++];
    if (kind === FUNCTION_IMPORT) {
      functions++;
      cursor.u32();
    } else if (kind === 1) {
      cursor.skip(1);
      cursor.skipLimits();
    } else if (kind === 2) {
      cursor.skipLimits();
    } else {
      cursor.skip(2); // a global: type and mutability
    }
  }
  return functions;
}

/** Map of function index → bytes, and the bytes of all sections but code. */
export function codeSizes(bytes) {
  const functions = new Map();
  let imported = 0;
  let otherSections = 0;
  for (const cursor = new Cursor(bytes, 8); cursor.at < bytes.length;) {
    const id = bytes[cursor.at++];
    const size = cursor.u32();
    const end = cursor.at + size;
    if (id === IMPORTS) imported = importedFunctions(cursor);
    if (id === CODE) {
      const count = cursor.u32();
      for (let i = 0; i < count; i++) {
        const body = cursor.u32();
        functions.set(imported + i, body);
        cursor.skip(body);
      }
    } else {
      otherSections += size;
    }
    cursor.at = end;
  }
  return { functions, otherSections };
}
