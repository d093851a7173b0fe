// ViT-Tiny/16 at 224×224 (timm's vit_tiny_patch16_224): 12 layers of 192, one product for q, k and v.
import { GraphWriter } from '../graph_writer.mjs';
import { attend, feedForward, layerNorm, linear } from './transformer.mjs';

const WIDTH = 192;
const HEADS = 3;
const SIZE = WIDTH / HEADS;
const PATCHES = 14 * 14;
const EPSILON = 1e-6;

function patches(g, image) {
  const rows = g.op('Conv', [image, g.weight([WIDTH, 3, 16, 16]), g.around(0, [WIDTH])], {
    dilations: [1, 1],
    group: 1,
    kernel_shape: [16, 16],
    pads: [0, 0, 0, 0],
    strides: [16, 16],
  });
  const flat = g.op('Reshape', [rows, g.ints(0, WIDTH, PATCHES)]);
  const tokens = g.op('Transpose', [flat], { perm: [0, 2, 1] });
  const all = g.op('Concat', [g.around(0, [1, 1, WIDTH]), tokens], { axis: 1 });
  return g.op('Add', [all, g.around(0, [1, PATCHES + 1, WIDTH])]);
}

function attention(g, x) {
  const three = g.op('Reshape', [linear(g, x, WIDTH, 3 * WIDTH), g.ints(0, 0, 3, HEADS, SIZE)]);
  const apart = g.op('Transpose', [three], { perm: [2, 0, 3, 1, 4] });
  const [q, k, v] = [0n, 1n, 2n].map((which) =>
    g.op('Gather', [apart, g.constant('int64', [], [which])], { axis: 0 }),
  );
  const scaled = g.op('Mul', [q, g.scalar(1 / Math.sqrt(SIZE))]);
  const kT = g.op('Transpose', [k], { perm: [0, 1, 3, 2] });
  return linear(g, attend(g, { q: scaled, kT, v, width: WIDTH }), WIDTH, WIDTH);
}

function layer(g, x) {
  const attended = g.op('Add', [x, attention(g, layerNorm(g, x, WIDTH, EPSILON))]);
  const fed = feedForward(g, layerNorm(g, attended, WIDTH, EPSILON), WIDTH, 4 * WIDTH);
  return g.op('Add', [attended, fed]);
}

export function write() {
  const g = new GraphWriter({ seed: 6 });
  const image = g.input('image', 'float32', [1, 3, 224, 224]);
  let x = patches(g, image);
  for (let i = 0; i < 12; i++) x = layer(g, x);
  const normal = layerNorm(g, x, WIDTH, EPSILON);
  const first = g.op('Gather', [normal, g.constant('int64', [], [0n])], { axis: 1 });
  const weight = g.weight([1000, WIDTH]);
  g.op('Gemm', [first, weight, g.around(0, [1000])], { transB: 1 }, 'logits');
  g.output('logits', 'float32', [1, 1000]);
  return g.finish();
}
