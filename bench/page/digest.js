// What is kept of outputs to see that both engines computed the same: shape, and elements evenly over the tensor.
const KEPT = 512;

const numbers = (dtype, data) =>
  dtype === 'float16' && data instanceof Uint16Array
    ? new globalThis.Float16Array(data.buffer, data.byteOffset, data.length)
    : data;

function digestTensor({ dtype, dims, data }) {
  const values = numbers(dtype, data);
  const step = Math.max(1, values.length / KEPT);
  const elements = [];
  for (let at = 0; at < values.length; at += step) elements.push(Number(values[Math.floor(at)]));
  return { dims, elements };
}

export const digest = (results, read) =>
  Object.fromEntries(
    Object.entries(results).map(([name, tensor]) => [name, digestTensor(read(tensor))]),
  );
