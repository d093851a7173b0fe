// The parts of convolutional networks as PyTorch exports them: batch normalisation is in the weights.

/** Conv with bias; `pads` like the kernel's half unless given. */
export function conv(
  g,
  x,
  { from, to, kernel = 1, stride = 1, group = 1, pad = (kernel - 1) >> 1, gain = 1 },
) {
  const weight = g.weight([to, from / group, kernel, kernel], { gain });
  return g.op('Conv', [x, weight, g.around(0, [to])], {
    dilations: [1, 1],
    group,
    kernel_shape: [kernel, kernel],
    pads: [pad, pad, pad, pad],
    strides: [stride, stride],
  });
}

export const relu6 = (g, x) => g.op('Clip', [x, g.scalar(0), g.scalar(6)]);

/** Pooling, Flatten and the layer of classes. */
export function classifier(g, x, { channels, classes = 1000 }) {
  const pooled = g.op('GlobalAveragePool', [x]);
  const flat = g.op('Flatten', [pooled], { axis: 1 });
  const weight = g.weight([classes, channels]);
  g.op('Gemm', [flat, weight, g.around(0, [classes])], { transB: 1 }, 'logits');
  g.output('logits', 'float32', ['batch', classes]);
}

/**
 * The inverted residual of MobileNetV2 and EfficientNet-Lite: expand, depthwise, project, and the input added where
 * shapes allow.
 */
export function invertedResidual(g, x, { from, to, expand, kernel = 3, stride = 1 }) {
  const wide = from * expand;
  let y = x;
  if (expand !== 1) y = relu6(g, conv(g, y, { from, to: wide, gain: Math.SQRT2 }));
  const depthwise = { from: wide, to: wide, kernel, stride, group: wide, gain: Math.SQRT2 };
  y = relu6(g, conv(g, y, depthwise));
  y = conv(g, y, { from: wide, to });
  return stride === 1 && from === to ? g.op('Add', [x, y]) : y;
}
