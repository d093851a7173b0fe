// Elements that are no f32: how they are read and written, by the numbers of engine/gpu/selection.cc.
// A 64-bit integer is two words, low one first; a bool or uint8 is a byte.
export const FLOAT = 0;
export const INT = 1;
export const LONG = 2;
export const BYTE = 3;

/** WGSL type of an element. */
export const typeOf = (format: number): string => ['f32', 'i32', 'vec2<u32>', 'u32'][format] ?? '';

/** WGSL that reads element `i` of an operand. */
export function readElement(format: number, operand: number, i: string): string {
  const raw = `raw${operand}`;
  switch (format) {
    case FLOAT:
      return `in${operand}(${i})`;
    case INT:
      return `bitcast<i32>(${raw}(${i}))`;
    case LONG:
      return `vec2(${raw}(2u * (${i})), ${raw}(2u * (${i}) + 1u))`;
    default:
      return `((${raw}((${i}) >> 2u) >> (8u * ((${i}) & 3u))) & 255u)`;
  }
}

/** WGSL of `run(id)` that writes four bytes at once: `value` is a bool for place `n`, of `count`. */
export const writeBools = (count: string, declare: string, value: string): string => `
fn run(id: u32) {
  var word = 0u;
  for (var lane = 0u; lane < 4u; lane++) {
    let n = 4u * id + lane;
    if (n >= ${count}) { break; }
    ${declare}
    if (${value}) { word |= 1u << (8u * lane); }
  }
  put_raw(id, word);
}`;
