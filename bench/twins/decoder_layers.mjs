// Four layers of a decoder of 0.5 billion parameters (the shapes of Qwen2-0.5B), one token with 256 in the KV cache:
// RMS norm, rotary positions, grouped queries and SiLU, spelt in plain operators.
import { GraphWriter } from '../graph_writer.mjs';
import { linear } from './transformer.mjs';

const WIDTH = 896;
const INSIDE = 4864;
const HEADS = 14;
const KV_HEADS = 2;
const SIZE = 64;
const PAST = 256;
const LAYERS = 4;

function rmsNorm(g, x, output) {
  const square = g.op('Pow', [x, g.scalar(2)]);
  const mean = g.op('ReduceMean', [square], { axes: [-1], keepdims: 1 });
  const root = g.op('Sqrt', [g.op('Add', [mean, g.scalar(1e-6)])]);
  const normal = g.op('Mul', [x, g.op('Div', [g.scalar(1), root])]);
  return g.op('Mul', [g.around(1, [WIDTH]), normal], {}, output);
}

/** cos and sin of the positions, each [1, 1, t, SIZE]. */
function rotation(g, positions) {
  const half = SIZE / 2;
  const rates = Array.from({ length: half }, (_, i) => 1e6 ** (-i / half));
  const column = g.op('Cast', [g.op('Unsqueeze', [positions, g.ints(2)])], { to: 1 });
  const angles = g.op('MatMul', [column, g.constant('float32', [1, 1, half], rates)]);
  const both = g.op('Unsqueeze', [g.op('Concat', [angles, angles], { axis: -1 }), g.ints(1)]);
  return { cos: g.op('Cos', [both]), sin: g.op('Sin', [both]) };
}

/** x · cos + (−second half, first half) · sin. */
function rotate(g, x, { cos, sin }) {
  const half = SIZE / 2;
  const part = (from, to) => g.op('Slice', [x, g.ints(from), g.ints(to), g.ints(3), g.ints(1)]);
  const turned = g.op('Concat', [g.op('Neg', [part(half, SIZE)]), part(0, half)], { axis: -1 });
  return g.op('Add', [g.op('Mul', [x, cos]), g.op('Mul', [turned, sin])]);
}

function heads(g, x, count, { bias = true } = {}) {
  const apart = g.op('Reshape', [
    linear(g, x, WIDTH, count * SIZE, { bias }),
    g.ints(0, 0, count, SIZE),
  ]);
  return g.op('Transpose', [apart], { perm: [0, 2, 1, 3] });
}

/** Each head of [1, KV_HEADS, t, SIZE] as often as queries share it. */
function repeatHeads(g, x) {
  const share = HEADS / KV_HEADS;
  const length = g.op('Gather', [g.op('Shape', [x]), g.ints(2)], { axis: 0 });
  const wide = g.op('Unsqueeze', [x, g.ints(2)]);
  const shape = (...parts) => g.op('Concat', parts, { axis: 0 });
  const five = shape(g.ints(1), g.ints(KV_HEADS), g.ints(share), length, g.ints(SIZE));
  const four = shape(g.ints(1), g.ints(HEADS), length, g.ints(SIZE));
  return g.op('Reshape', [g.op('Expand', [wide, five]), four]);
}

function cache(g, layer, kind, added) {
  const past = g.input(
    `past_key_values.${layer}.${kind}`,
    'float32',
    [1, KV_HEADS, 'past_sequence_length', SIZE],
    { example: [1, KV_HEADS, PAST, SIZE] },
  );
  const all = g.op('Concat', [past, added], { axis: 2 }, `present.${layer}.${kind}`);
  g.output(all, 'float32', [1, KV_HEADS, 'total_sequence_length', SIZE]);
  return all;
}

function attention(g, x, layer, { turn, mask }) {
  const q = rotate(g, heads(g, x, HEADS), turn);
  const k = cache(g, layer, 'key', rotate(g, heads(g, x, KV_HEADS), turn));
  const v = cache(g, layer, 'value', heads(g, x, KV_HEADS));
  const kT = g.op('Transpose', [repeatHeads(g, k)], { perm: [0, 1, 3, 2] });
  const scores = g.op('Mul', [g.op('MatMul', [q, kT]), g.scalar(1 / Math.sqrt(SIZE))]);
  const weights = g.op('Softmax', [g.op('Add', [scores, mask])], { axis: -1 });
  const mixed = g.op('MatMul', [weights, repeatHeads(g, v)]);
  const flat = g.op('Reshape', [
    g.op('Transpose', [mixed], { perm: [0, 2, 1, 3] }),
    g.ints(0, 0, WIDTH),
  ]);
  return linear(g, flat, WIDTH, WIDTH, { bias: false });
}

function feedForward(g, x) {
  const gate = linear(g, x, WIDTH, INSIDE, { bias: false });
  const silu = g.op('Mul', [gate, g.op('Sigmoid', [gate])]);
  const up = linear(g, x, WIDTH, INSIDE, { bias: false });
  return linear(g, g.op('Mul', [silu, up]), INSIDE, WIDTH, { bias: false });
}

export function write() {
  const g = new GraphWriter({ seed: 8 });
  const embeds = ['batch', 'sequence_length', WIDTH];
  let x = g.input('inputs_embeds', 'float32', embeds, { example: [1, 1, WIDTH] });
  const mask = g.input('mask', 'float32', [1, 1, 'sequence_length', 'total_sequence_length'], {
    example: [1, 1, 1, PAST + 1],
    low: 0,
    high: 0,
  });
  const positions = g.input('position_ids', 'int64', ['batch', 'sequence_length'], {
    example: [1, 1],
    low: PAST,
    high: PAST,
  });
  const turn = rotation(g, positions);
  for (let layer = 0; layer < LAYERS; layer++) {
    x = g.op('Add', [x, attention(g, rmsNorm(g, x), layer, { turn, mask })]);
    x = g.op('Add', [x, feedForward(g, rmsNorm(g, x))]);
  }
  rmsNorm(g, x, 'hidden_states');
  g.output('hidden_states', 'float32', embeds);
  return g.finish();
}
