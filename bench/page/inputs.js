// The inputs of a case, from the bench's server.

// float16 as bits: both engines take them so.
const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
};

export async function fetchInputs(url) {
  const list = await (await fetch(url)).json();
  return Promise.all(
    list.map(async ({ name, dtype, dims }, i) => {
      const bytes = await (await fetch(`${url}/${i}`)).arrayBuffer();
      return { name, dtype, dims, data: new arrays[dtype](bytes) };
    }),
  );
}

export const feedsOf = (session, inputs) =>
  Object.fromEntries(inputs.map((input) => [input.name, session.tensor(input)]));
