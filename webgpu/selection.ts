// Comparisons, Where and Cast, of f32, i32, i64 and bool.
import { BYTE, FLOAT, INT, LONG, readElement, typeOf, writeBools } from './elements.js';
import { param, walkBox, type Kernel } from './shader.js';

// The order of `before` is that of the type. In the order of engine/gpu/selection.cc.
const COMPARISONS = [
  'same(x, y)',
  'before(x, y)',
  'before(x, y) || same(x, y)',
  'before(y, x)',
  'before(y, x) || same(x, y)',
  'x != 0u && y != 0u',
  'x != 0u || y != 0u',
  '(x != 0u) != (y != 0u)',
];

function order(format: number): string {
  const type = typeOf(format);
  const long = format === LONG;
  const before = long
    ? 'bitcast<i32>(x.y) < bitcast<i32>(y.y) || (x.y == y.y && x.x < y.x)'
    : 'x < y';
  return `
fn same(x: ${type}, y: ${type}) -> bool { return ${long ? 'all(x == y)' : 'x == y'}; }
fn before(x: ${type}, y: ${type}) -> bool { return ${before}; }`;
}

export const compare: Kernel = {
  source: (variant) => {
    const format = (variant >> 4) & 15;
    return `
${order(format)}
${writeBools(
  param(5),
  `${walkBox(variant >> 8, ['a', 'b'], { place: 'n' })}
    let x = ${readElement(format, 0, 'a')};
    let y = ${readElement(format, 1, 'b')};`,
  COMPARISONS[variant & 15] ?? '',
)}`;
  },
};

export const where: Kernel = {
  source: (variant) => {
    const words = (variant & 1) + 1;
    const copy = (operand: number, from: string) =>
      words === 1
        ? `put_raw(id, raw${operand}(${from}));`
        : `put_raw(2u * id, raw${operand}(2u * ${from})); put_raw(2u * id + 1u, raw${operand}(2u * ${from} + 1u));`;
    return `
fn run(id: u32) {
  ${walkBox(variant >> 8, ['c', 'a', 'b'])}
  if (${readElement(BYTE, 0, 'c')} != 0u) { ${copy(1, 'a')} } else { ${copy(2, 'b')} }
}`;
  },
};

// What a value `x` that was read is in another format; LONG gives vec2.
const CONVERT: Readonly<Record<number, Readonly<Record<number, string>>>> = {
  [FLOAT]: { [FLOAT]: 'x', [INT]: 'i32(x)', [LONG]: 'long_of_float(x)' },
  [INT]: { [FLOAT]: 'f32(x)', [INT]: 'x', [LONG]: 'long_of_int(x)' },
  [LONG]: { [FLOAT]: 'float_of_long(x)', [INT]: 'bitcast<i32>(x.x)', [LONG]: 'x' },
  [BYTE]: { [FLOAT]: 'f32(x)', [INT]: 'i32(x)', [LONG]: 'vec2(x, 0u)' },
};
const NON_ZERO: Readonly<Record<number, string>> = {
  [FLOAT]: 'x != 0.0',
  [INT]: 'x != 0',
  [LONG]: 'any(x != vec2(0u))',
  [BYTE]: 'x != 0u',
};

const LONGS = `
fn long_of_int(x: i32) -> vec2<u32> { return vec2(bitcast<u32>(x), select(0u, 0xffffffffu, x < 0)); }
fn long_of_float(x: f32) -> vec2<u32> {
  if (abs(x) < 2147483648.0) { return long_of_int(i32(x)); }
  let high = floor(x / 4294967296.0);
  return vec2(u32(x - high * 4294967296.0), bitcast<u32>(i32(high)));
}
fn float_of_long(x: vec2<u32>) -> f32 {
  let low = bitcast<i32>(x.x);
  if (bitcast<i32>(x.y) == low >> 31u) { return f32(low); }
  return f32(bitcast<i32>(x.y)) * 4294967296.0 + f32(x.x);
}`;

export const cast: Kernel = {
  source: (variant) => {
    const from = variant & 15;
    const to = variant >> 4;
    if (to === BYTE) {
      const read = `let x = ${readElement(from, 0, 'n')};`;
      return writeBools(param(5), read, NON_ZERO[from] ?? '');
    }
    const value = CONVERT[from]?.[to] ?? '';
    const write =
      to === LONG
        ? 'put_raw(2u * id, value.x); put_raw(2u * id + 1u, value.y);'
        : 'put_raw(id, bitcast<u32>(value));';
    return `
${LONGS}
fn run(id: u32) {
  let x = ${readElement(from, 0, 'id')};
  let value = ${value};
  ${write}
}`;
  },
};
