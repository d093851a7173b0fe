// Both engines must have computed the same, or their times say nothing.

/** Quantized and half-precision models differ between correct engines by as much as their steps are wide. */
const LEAST_COSINE = 0.98;

function near(a, b) {
  const largest = b.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  return b.every((v, i) => Object.is(a[i], v) || Math.abs(a[i] - v) <= 1e-3 * largest);
}

function alike(a, b) {
  let ab = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < b.length; i++) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return (aa === 0 && bb === 0) || ab >= LEAST_COSINE * Math.sqrt(aa * bb);
}

/** What differs between two digests of outputs, or undefined. */
export function difference(ours, theirs, precision) {
  const same = precision === 'fp32' ? near : alike;
  for (const [name, { dims, elements }] of Object.entries(theirs)) {
    const mine = ours[name];
    if (!mine) return `output ${name} is missing`;
    if (mine.dims.join() !== dims.join()) return `output ${name}: [${mine.dims}] and [${dims}]`;
    if (!same(mine.elements, elements)) return `output ${name}: the elements differ`;
  }
  return undefined;
}
