// MobileNetV2 1.0 at 224×224 (torchvision's mobilenet_v2).
import { GraphWriter } from '../graph_writer.mjs';
import { classifier, conv, invertedResidual, relu6 } from './convolution.mjs';

// expand, channels, repeats, stride of the first
const STAGES = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
];

export function write() {
  const g = new GraphWriter({ seed: 2 });
  const image = g.input('image', 'float32', ['batch', 3, 224, 224], { example: [1, 3, 224, 224] });
  let from = 32;
  let x = relu6(g, conv(g, image, { from: 3, to: from, kernel: 3, stride: 2, gain: Math.SQRT2 }));
  for (const [expand, to, repeats, first] of STAGES) {
    for (let i = 0; i < repeats; i++) {
      x = invertedResidual(g, x, { from, to, expand, stride: i === 0 ? first : 1 });
      from = to;
    }
  }
  x = relu6(g, conv(g, x, { from, to: 1280, gain: Math.SQRT2 }));
  classifier(g, x, { channels: 1280 });
  return g.finish();
}
