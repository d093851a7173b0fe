// ResNet-50 at 224×224 (torchvision's resnet50: the stride is in the 3×3).
import { GraphWriter } from '../graph_writer.mjs';
import { classifier, conv } from './convolution.mjs';

// channels inside the block, repeats, stride of the first
const STAGES = [
  [64, 3, 1],
  [128, 4, 2],
  [256, 6, 2],
  [512, 3, 2],
];

function bottleneck(g, x, { from, inside, stride }) {
  const to = inside * 4;
  const gain = Math.SQRT2;
  let y = g.op('Relu', [conv(g, x, { from, to: inside, gain })]);
  y = g.op('Relu', [conv(g, y, { from: inside, to: inside, kernel: 3, stride, gain })]);
  y = conv(g, y, { from: inside, to, gain: 0.5 });
  const beside = from === to ? x : conv(g, x, { from, to, stride });
  return g.op('Relu', [g.op('Add', [y, beside])]);
}

export function write() {
  const g = new GraphWriter({ seed: 4 });
  const image = g.input('image', 'float32', ['batch', 3, 224, 224], { example: [1, 3, 224, 224] });
  const first = conv(g, image, { from: 3, to: 64, kernel: 7, stride: 2, gain: Math.SQRT2 });
  let x = g.op('MaxPool', [g.op('Relu', [first])], {
    ceil_mode: 0,
    kernel_shape: [3, 3],
    pads: [1, 1, 1, 1],
    strides: [2, 2],
  });
  let from = 64;
  for (const [inside, repeats, stride] of STAGES) {
    for (let i = 0; i < repeats; i++) {
      x = bottleneck(g, x, { from, inside, stride: i === 0 ? stride : 1 });
      from = inside * 4;
    }
  }
  classifier(g, x, { channels: from });
  return g.finish();
}
