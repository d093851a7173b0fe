// Whether a result agrees with what ONNX's suite expects.
import { decoderOf } from '../../cli/statistics.js';
import { Tensor, type AnyTensor, type Value } from '../../web/index.js';

/** Relative and absolute; element types that are not here must be equal. */
const TOLERANCES: Partial<Record<AnyTensor['type'], readonly [number, number]>> = {
  float32: [1e-3, 1e-5],
  float64: [1e-3, 1e-5],
  float16: [1e-2, 1e-3],
  bfloat16: [2e-2, 1e-2],
};

const EXACT = [0, 0] as const;

/** The codes, without the sign, from which on floats of 8 bits are not numbers, where there are several. */
const FIRST_NAN: Partial<Record<AnyTensor['type'], number>> = {
  float8e4m3fn: 0x7f,
  float8e5m2: 0x7d,
};

function close(actual: number, expected: number, [relative, absolute]: readonly [number, number]) {
  if (Object.is(actual, expected) || actual === expected) return true;
  return Math.abs(actual - expected) <= absolute + relative * Math.abs(expected);
}

/** Empty when they agree, otherwise what differs first. */
export function valueDifference(actual: Value, expected: Value): string {
  const isTensor = expected instanceof Tensor;
  if (actual instanceof Tensor && isTensor) return difference(actual, expected);
  if (!Array.isArray(actual) || !Array.isArray(expected)) {
    return actual === expected ? '' : 'is of another kind';
  }
  if (actual.length !== expected.length) {
    return `has ${actual.length} tensors, expected ${expected.length}`;
  }
  const differences = expected.map((tensor, i) =>
    valueDifference(actual[i] as Value, tensor as Value),
  );
  return differences.find((found) => found !== '') ?? '';
}

function difference(actual: AnyTensor, expected: AnyTensor): string {
  if (actual.type !== expected.type) return `dtype is ${actual.type}, expected ${expected.type}`;
  const [shape, wanted] = [actual.shape.join(', '), expected.shape.join(', ')];
  if (shape !== wanted) return `shape is [${shape}], expected [${wanted}]`;
  const tolerance = TOLERANCES[expected.type];
  const decode = decoderOf(expected.type);
  const nan = FIRST_NAN[expected.type] ?? Infinity;
  const isNaNCode = (code: unknown) => typeof code === 'number' && (code & 0x7f) >= nan;
  const [a, b] = [actual.data, expected.data];
  for (let i = 0; i < b.length; i++) {
    if (a[i] === b[i] || (isNaNCode(a[i]) && isNaNCode(b[i]))) continue;
    if (decode && typeof b[i] !== 'bigint' && typeof b[i] !== 'string') {
      if (close(decode(a[i] as number), decode(b[i] as number), tolerance ?? EXACT)) continue;
    }
    return `element ${i} is ${String(a[i])}, expected ${String(b[i])}`;
  }
  return '';
}
