// The kernels that the bench times, each as models of few nodes.
//
// A call costs messages and copies beside the kernel. So each row has `call`, a model with one kernel, and `longer`, one
// of the same input with `times` more, so many that they take a millisecond and more: the difference of their times is
// the kernel's. Where kernels take far more than a call, `longer` stands alone (`streamed`).
import { GraphWriter } from './graph_writer.mjs';
import { attend, gelu } from './twins/transformer.mjs';

/** Writes a model from `x` of these dims; `build(g, x)` gives the value that becomes its output. */
const model = (dims, outputDims, build) => () => {
  const g = new GraphWriter({ seed: 9, domains: { 'com.microsoft': 1 } });
  const y = build(g, g.input('x', 'float32', dims));
  g.op('Identity', [y], {}, 'y');
  g.output('y', 'float32', outputDims);
  return g.finish();
};

/** `step(g, x)` writes the kernel; `count` of them one after the other, as its output has the dims of its input. */
function chained(dims, count, step) {
  const repeat = (times) =>
    model(dims, dims, (g, x) => {
      let y = x;
      for (let i = 0; i < times; i++) y = step(g, y);
      return y;
    });
  return { call: repeat(1), longer: repeat(count), times: count - 1 };
}

/** The same of kernels that read more than caches hold: what a call costs beside is left in. */
function streamed(dims, count, step) {
  return { ...chained(dims, count, step), times: count, streamed: true };
}

/** Kernels side by side on one input, each with the means of its channels as output, whose time counts too. */
function parallel(dims, channels, count, step) {
  const repeat = (times) =>
    model(dims, [1, channels * times, 1, 1], (g, x) => {
      const means = Array.from({ length: times }, () => g.op('GlobalAveragePool', [step(g, x)]));
      return times === 1 ? means[0] : g.op('Concat', means, { axis: 1 });
    });
  return { call: repeat(1), longer: repeat(count), times: count - 1 };
}

function convStep({ from, to, kernel, stride = 1, group = 1, type = 'Conv', pad }) {
  const half = pad ?? (kernel - 1) >> 1;
  const attributes = {
    group,
    kernel_shape: [kernel, kernel],
    pads: [half, half, half, half],
    strides: [stride, stride],
  };
  const dims =
    type === 'Conv' ? [to, from / group, kernel, kernel] : [from, to / group, kernel, kernel];
  return (g, x) => g.op(type, [x, g.weight(dims), g.around(0, [to])], attributes);
}

/** A convolution over a square map; FLOPs as the direct algorithm has them. */
function convRow(name, [size, from, to, kernel], count, rest = {}) {
  const { stride = 1, group = 1, type = 'Conv' } = rest;
  const map = type === 'Conv' ? size / stride : size;
  const flops = (2 * map * map * from * to * kernel * kernel) / group;
  const dims = [1, from, size, size];
  const step = convStep({ from, to, kernel, ...rest });
  const models =
    from === to && stride === 1 ? chained(dims, count, step) : parallel(dims, to, count, step);
  return { name, flops, ...models };
}

function gemmRow(name, { m, k, n, count }) {
  const there = (g, x) => g.op('MatMul', [x, g.weight([k, n], { fanIn: k })]);
  const back = (g, x) => g.op('MatMul', [x, g.weight([n, k], { fanIn: n })]);
  const step = k === n ? there : (g, x) => back(g, there(g, x));
  const flops = 2 * m * k * n * (k === n ? 1 : 2);
  return { name, flops, ...chained([m, k], count, step) };
}

function gemvRow(name, { size, count }) {
  const step = (g, x) => g.op('MatMul', [x, g.weight([size, size], { fanIn: size })]);
  return { name, bytes: 4 * size * size, peak: 'read', ...streamed([1, size], count, step) };
}

/** Weights of float16; what is multiplied is float32 before and after. */
function halfGemvRow(name, { size, count }) {
  const step = (g, x) => {
    const half = g.op('Cast', [x], { to: 10 });
    return g.op('Cast', [g.op('MatMul', [half, g.halves([size, size])])], { to: 1 });
  };
  return { name, bytes: 2 * size * size, peak: 'read', ...streamed([1, size], count, step) };
}

function cachedGemvRow(name, { size, count }) {
  let weight;
  const step = (g, x) => {
    if (weight?.g !== g) weight = { g, name: g.weight([size, size], { fanIn: size }) };
    return g.op('MatMul', [x, weight.name]);
  };
  return { name, flops: 2 * size * size, ...chained([1, size], count, step) };
}

/** Weights of 4 or 8 bits with a scale per 32 of them. Level 4 lets the input be rounded to int8. */
function nbitsRow(name, { m, size, bits, level, count }) {
  const block = 32;
  const blocks = size / block;
  const attributes = { K: size, N: size, bits, block_size: block, accuracy_level: level };
  const step = (g, x) => {
    const packed = g.codes('uint8', [size, blocks, (block * bits) / 8]);
    const scales = g.around(0.01 / 2 ** bits, [size, blocks], 0.001 / 2 ** bits);
    return g.op('MatMulNBits', [x, packed, scales], attributes, undefined, 'com.microsoft');
  };
  const work =
    m === 1
      ? { bytes: (size * size * bits) / 8 + 4 * size * blocks, peak: 'read' }
      : { flops: 2 * m * size * size };
  return { name, ...work, ...streamed([m, size], count, step) };
}

/** Floats that are quantized at run time, a product of integers, and floats again. */
function dynamicStep(g, x, type, weights, attributes) {
  const [q, scale, zero] = g.ops('DynamicQuantizeLinear', [x], {}, 3);
  const sums = g.op(type, [q, weights, zero], attributes);
  const factor = g.op('Mul', [scale, g.scalar(0.0002)]);
  return g.op('Mul', [g.op('Cast', [sums], { to: 1 }), factor]);
}

function integerGemmRow(name, { size, count }) {
  const step = (g, x) => dynamicStep(g, x, 'MatMulInteger', g.codes('int8', [size, size]));
  return { name, flops: 2 * size ** 3, ...chained([size, size], count, step) };
}

function integerConvRow(name, { size, channels, kernel, count }) {
  const half = (kernel - 1) >> 1;
  const attributes = { kernel_shape: [kernel, kernel], pads: [half, half, half, half] };
  const step = (g, x) =>
    dynamicStep(
      g,
      x,
      'ConvInteger',
      g.codes('int8', [channels, channels, kernel, kernel]),
      attributes,
    );
  const flops = 2 * size * size * channels * channels * kernel * kernel;
  return { name, flops, ...chained([1, channels, size, size], count, step) };
}

/** A convolution between DequantizeLinear and QuantizeLinear, behind a QuantizeLinear. */
function quantizedConvRow(name, { size, channels, kernel, group = 1, count }) {
  const half = (kernel - 1) >> 1;
  const attributes = { group, kernel_shape: [kernel, kernel], pads: [half, half, half, half] };
  const step = (g, x) => {
    const parameters = [g.scalar(0.02), g.constant('uint8', [], [128])];
    const weights = g.codes('int8', [channels, channels / group, kernel, kernel]);
    const scale = g.scalar(0.3 / 127 / Math.sqrt((channels / group) * kernel * kernel));
    const real = g.op('DequantizeLinear', [
      g.op('QuantizeLinear', [x, ...parameters]),
      ...parameters,
    ]);
    const w = g.op('DequantizeLinear', [weights, scale, g.constant('int8', [], [0])]);
    return g.op('Conv', [real, w], attributes);
  };
  const flops = (2 * size * size * channels * channels * kernel * kernel) / group;
  return { name, flops, ...chained([1, channels, size, size], count, step) };
}

function attentionRow(name, { heads, tokens, size, count }) {
  const dims = [1, heads, tokens, size];
  const step = (g, q) => {
    const kT = g.weight([1, heads, size, tokens], { fanIn: size });
    const v = g.weight(dims, { fanIn: 3 });
    const mixed = attend(g, { q, kT, v, width: heads * size, scale: Math.sqrt(size) });
    const apart = g.op('Reshape', [mixed, g.ints(0, 0, heads, size)]);
    return g.op('Transpose', [apart], { perm: [0, 2, 1, 3] });
  };
  return { name, flops: 4 * heads * tokens * tokens * size, ...chained(dims, count, step) };
}

const product = (dims) => dims.reduce((a, b) => a * b);

/** Reads a tensor and writes one of the same size. */
const passRow = (name, dims, models) => ({
  name,
  bytes: 8 * product(dims),
  peak: 'copy',
  ...models,
});

const layerNormStep = (width) => (g, x) =>
  g.op('LayerNormalization', [x, g.around(1, [width]), g.around(0, [width])], { axis: -1 });

/** Elementwise operators over more than caches hold: read, written, and read again for the means. */
function chainRow(name, step) {
  const dims = [1, 64, 256, 256];
  return { name, bytes: 12 * product(dims), peak: 'copy', ...parallel(dims, 64, 5, step) };
}

export const KERNEL_ROWS = [
  gemmRow('GEMM 512×512×512', { m: 512, k: 512, n: 512, count: 5 }),
  gemmRow('GEMM 128×384×1536 and back', { m: 128, k: 384, n: 1536, count: 4 }),
  gemmRow('GEMM 197×192×192', { m: 197, k: 192, n: 192, count: 17 }),
  gemvRow('GEMV 2048×2048, from memory', { size: 2048, count: 12 }),
  cachedGemvRow('GEMV 384×384, in cache', { size: 384, count: 257 }),
  gemvRow('GEMV 4096×4096, from memory', { size: 4096, count: 4 }),
  halfGemvRow('GEMV 4096×4096 of float16, from memory', { size: 4096, count: 4 }),
  ...[
    ['4 bits, 1×4096×4096', { m: 1, bits: 4, level: 0, count: 4 }],
    ['4 bits, 128×4096×4096', { m: 128, bits: 4, level: 0, count: 1 }],
    ['4 bits by int8, 1×4096×4096', { m: 1, bits: 4, level: 4, count: 4 }],
    ['4 bits by int8, 128×4096×4096', { m: 128, bits: 4, level: 4, count: 1 }],
    ['8 bits, 1×4096×4096', { m: 1, bits: 8, level: 0, count: 4 }],
  ].map(([name, of]) => nbitsRow(`MatMulNBits ${name}`, { size: 4096, ...of })),
  integerGemmRow('MatMulInteger 512×512×512', { size: 512, count: 5 }),
  integerConvRow('ConvInteger 3×3, 64→64, 56×56', { size: 56, channels: 64, kernel: 3, count: 5 }),
  quantizedConvRow('QDQ Conv 1×1, 256→256, 28×28', {
    size: 28,
    channels: 256,
    kernel: 1,
    count: 5,
  }),
  quantizedConvRow('QDQ Conv 3×3, 64→64, 56×56', { size: 56, channels: 64, kernel: 3, count: 5 }),
  quantizedConvRow('QDQ Depthwise 3×3, 144, 56×56', {
    size: 56,
    channels: 144,
    kernel: 3,
    group: 144,
    count: 25,
  }),
  convRow('Conv 1×1, 256→256, 28×28', [28, 256, 256, 1], 5),
  convRow('Conv 1×1, 512→512, 14×14', [14, 512, 512, 1], 5),
  convRow('Conv 3×3, 64→64, 56×56', [56, 64, 64, 3], 5),
  convRow('Conv 3×3, 256→256, 14×14', [14, 256, 256, 3], 5),
  convRow('Conv 3×3 /2, 128→128, 56×56', [56, 128, 128, 3], 4, { stride: 2 }),
  convRow('Conv 5×5, 64→64, 28×28', [28, 64, 64, 5], 5),
  convRow('First layer 3×3 /2, 3→32, 224×224', [224, 3, 32, 3], 9, { stride: 2 }),
  convRow('First layer 7×7 /2, 3→64, 224×224', [224, 3, 64, 7], 3, { stride: 2 }),
  convRow('Depthwise 3×3, 144, 56×56', [56, 144, 144, 3], 25, { group: 144 }),
  convRow('Depthwise 3×3 /2, 144, 56×56', [56, 144, 144, 3], 49, { group: 144, stride: 2 }),
  convRow('Depthwise 5×5, 240, 28×28', [28, 240, 240, 5], 25, { group: 240 }),
  convRow('Transposed 2×2 ×2, 64→64, 28×28', [28, 64, 64, 2], 9, {
    type: 'ConvTranspose',
    stride: 2,
    pad: 0,
  }),
  attentionRow('Attention, 12 heads of 32, 128 tokens', {
    heads: 12,
    tokens: 128,
    size: 32,
    count: 9,
  }),
  attentionRow('Attention, 6 heads of 64, 512 tokens', {
    heads: 6,
    tokens: 512,
    size: 64,
    count: 4,
  }),
  passRow(
    'Softmax 1536×512',
    [1536, 512],
    chained([1536, 512], 9, (g, x) => g.op('Softmax', [x], { axis: -1 })),
  ),
  passRow('LayerNorm 512×768', [512, 768], chained([512, 768], 25, layerNormStep(768))),
  passRow('GELU (erf) 384×3072', [384, 3072], chained([384, 3072], 9, gelu)),
  chainRow('Scale, shift, ReLU, mean of 4 M elements', (g, x) => {
    const scaled = g.op('Mul', [x, g.around(1, [1, 64, 1, 1])]);
    return g.op('Relu', [g.op('Add', [scaled, g.around(0, [1, 64, 1, 1])])]);
  }),
  chainRow('Scale, SiLU, mean of 4 M elements', (g, x) => {
    const scaled = g.op('Mul', [x, g.around(1, [1, 64, 1, 1])]);
    return g.op('Mul', [scaled, g.op('Sigmoid', [scaled])]);
  }),
];
