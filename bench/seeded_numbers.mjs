// Numbers that are the same in every run.

/** A generator of uniform numbers (mulberry32). */
export function seededNumbers(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    floats(count, low, high) {
      const values = new Float32Array(count);
      const range = high - low;
      for (let i = 0; i < count; i++) values[i] = low + range * next();
      return values;
    },
    /** Whole numbers from low to high, both possible. */
    integers: (count, low, high) =>
      Array.from({ length: count }, () => low + Math.floor(next() * (high - low + 1))),
  };
}

/** A seed for a name (FNV-1a). */
export function seedOf(name) {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
