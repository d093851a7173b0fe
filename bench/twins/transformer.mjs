// The parts of transformers as PyTorch exports them without a fused attention operator.

/** x · weight + bias over the last axis. */
export function linear(g, x, from, to, { bias = true, gain = 1 } = {}) {
  const product = g.op('MatMul', [x, g.weight([from, to], { fanIn: from, gain })]);
  return bias ? g.op('Add', [g.around(0, [to]), product]) : product;
}

export function layerNorm(g, x, width, epsilon, output) {
  const inputs = [x, g.around(1, [width]), g.around(0, [width])];
  return g.op('LayerNormalization', inputs, { axis: -1, epsilon }, output);
}

/** The exact GELU: x · (erf(x / √2) + 1) · ½. */
export function gelu(g, x) {
  const erf = g.op('Erf', [g.op('Div', [x, g.scalar(Math.SQRT2)])]);
  const scaled = g.op('Mul', [x, g.op('Add', [erf, g.scalar(1)])]);
  return g.op('Mul', [scaled, g.scalar(0.5)]);
}

export function feedForward(g, x, width, inside) {
  return linear(g, gelu(g, linear(g, x, width, inside)), inside, width);
}

/** Softmax(scores) · v for q [1, heads, t, d], kT [1, heads, d, t] and v [1, heads, t, d], heads side by side again. */
export function attend(g, { q, kT, v, width, mask, scale }) {
  let scores = g.op('MatMul', [q, kT]);
  if (scale !== undefined) scores = g.op('Div', [scores, g.scalar(scale)]);
  if (mask !== undefined) scores = g.op('Add', [scores, mask]);
  const weights = g.op('Softmax', [scores], { axis: -1 });
  const mixed = g.op('Transpose', [g.op('MatMul', [weights, v])], { perm: [0, 2, 1, 3] });
  return g.op('Reshape', [mixed, g.ints(0, 0, width)]);
}

/** [1, t, width] as [1, heads, t, d], or as [1, heads, d, t]. */
export function splitHeads(g, x, heads, size, transposed = false) {
  const apart = g.op('Reshape', [x, g.ints(0, 0, heads, size)]);
  return g.op('Transpose', [apart], { perm: transposed ? [0, 2, 3, 1] : [0, 2, 1, 3] });
}
