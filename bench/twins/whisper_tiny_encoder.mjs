// The encoder of Whisper-tiny over 30 s: two 1-D convolutions, 4 layers of 384 over 1,500 frames.
import { GraphWriter } from '../graph_writer.mjs';
import { attend, feedForward, gelu, layerNorm, linear, splitHeads } from './transformer.mjs';

const WIDTH = 384;
const HEADS = 6;
const SIZE = WIDTH / HEADS;
const EPSILON = 1e-5;

function conv1d(g, x, from, stride) {
  const inputs = [x, g.weight([WIDTH, from, 3], { gain: Math.SQRT2 }), g.around(0, [WIDTH])];
  return g.op('Conv', inputs, {
    dilations: [1],
    group: 1,
    kernel_shape: [3],
    pads: [1, 1],
    strides: [stride],
  });
}

function attention(g, x) {
  const q = g.op('Mul', [linear(g, x, WIDTH, WIDTH), g.scalar(1 / Math.sqrt(SIZE))]);
  const k = linear(g, x, WIDTH, WIDTH, { bias: false });
  const v = linear(g, x, WIDTH, WIDTH);
  const mixed = attend(g, {
    q: splitHeads(g, q, HEADS, SIZE),
    kT: splitHeads(g, k, HEADS, SIZE, true),
    v: splitHeads(g, v, HEADS, SIZE),
    width: WIDTH,
  });
  return linear(g, mixed, WIDTH, WIDTH);
}

export function write() {
  const g = new GraphWriter({ seed: 7 });
  const mel = g.input('input_features', 'float32', ['batch', 80, 3000], { example: [1, 80, 3000] });
  const sound = gelu(g, conv1d(g, gelu(g, conv1d(g, mel, 80, 1)), WIDTH, 2));
  const frames = g.op('Transpose', [sound], { perm: [0, 2, 1] });
  let x = g.op('Add', [frames, g.around(0, [1500, WIDTH])]);
  for (let i = 0; i < 4; i++) {
    const attended = g.op('Add', [x, attention(g, layerNorm(g, x, WIDTH, EPSILON))]);
    const normal = layerNorm(g, attended, WIDTH, EPSILON);
    x = g.op('Add', [attended, feedForward(g, normal, WIDTH, 4 * WIDTH)]);
  }
  layerNorm(g, x, WIDTH, EPSILON, 'last_hidden_state');
  g.output('last_hidden_state', 'float32', ['batch', 1500, WIDTH]);
  return g.finish();
}
