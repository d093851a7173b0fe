// Inputs for models as raw elements: real examples of ../shared/golden, or seeded numbers.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { arrays } from '../tools/onnx/schema.mjs';
import { readTensor } from '../tools/onnx/tensor.mjs';
import { root } from '../tools/setup/paths.mjs';
import { seedOf, seededNumbers } from './seeded_numbers.mjs';

export const shared = process.env.SARDONYX_SHARED ?? join(root, '../shared');

const bytesOf = (array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** The inputs of a model of ../shared: a real example where there is one, else its noise. */
export function goldenInputs(model) {
  const folder = ['test_data_set_1', 'test_data_set_0']
    .map((set) => join(shared, 'golden', model, set))
    .find((path) => existsSync(path));
  if (!folder) return undefined;
  const { inputs } = JSON.parse(readFileSync(join(folder, 'info.json'), 'utf8'));
  return inputs.map(({ name, file }) => {
    const { dtype, dims, data } = readTensor(join(folder, file));
    return { name, dtype, dims, bytes: bytesOf(data) };
  });
}

const isFloat = (dtype) => dtype === 'float32' || dtype === 'float64' || dtype === 'float16';

// Half precision of a number in [-1, 1], by truncation; what is below 2^-14 becomes 0.
function halfBits(number) {
  const bits = new Uint32Array(Float32Array.of(number).buffer)[0];
  const exponent = ((bits >>> 23) & 0xff) - 112;
  if (exponent <= 0) return 0;
  return ((bits >>> 16) & 0x8000) | (exponent << 10) | ((bits >>> 13) & 0x3ff);
}

function elements(random, { dtype, low, high }, count) {
  if (dtype === 'float32') return random.floats(count, low, high);
  if (dtype === 'float64') return Float64Array.from(random.floats(count, low, high));
  if (dtype === 'float16') return Uint16Array.from(random.floats(count, low, high), halfBits);
  const whole = random.integers(count, low, high);
  return dtype.endsWith('64') ? arrays[dtype].from(whole, BigInt) : arrays[dtype].from(whole);
}

/** Seeded inputs for specs {name, dtype, dims, low?, high?}: by default floats in [-1, 1], integers 0 and 1. */
export function seededInputs(specs) {
  return specs.map((spec) => {
    const { name, dtype, dims, low = isFloat(dtype) ? -1 : 0, high = 1 } = spec;
    if (!arrays[dtype]) throw new Error(`input ${name}: no numbers are made for ${dtype}`);
    const count = dims.reduce((a, b) => a * b, 1);
    const data = elements(seededNumbers(seedOf(name)), { dtype, low, high }, count);
    return { name, dtype, dims, bytes: bytesOf(data) };
  });
}
