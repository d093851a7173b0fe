// EfficientNet-Lite0 at 224×224 (timm's efficientnet_lite0): inverted residuals with 3×3 and 5×5, ReLU6, no squeeze.
import { GraphWriter } from '../graph_writer.mjs';
import { classifier, conv, invertedResidual, relu6 } from './convolution.mjs';

// expand, channels, repeats, stride of the first, kernel
const STAGES = [
  [1, 16, 1, 1, 3],
  [6, 24, 2, 2, 3],
  [6, 40, 2, 2, 5],
  [6, 80, 3, 2, 3],
  [6, 112, 3, 1, 5],
  [6, 192, 4, 2, 5],
  [6, 320, 1, 1, 3],
];

export function write() {
  const g = new GraphWriter({ seed: 3 });
  const image = g.input('image', 'float32', ['batch', 3, 224, 224], { example: [1, 3, 224, 224] });
  let from = 32;
  let x = relu6(g, conv(g, image, { from: 3, to: from, kernel: 3, stride: 2, gain: Math.SQRT2 }));
  for (const [expand, to, repeats, first, kernel] of STAGES) {
    for (let i = 0; i < repeats; i++) {
      x = invertedResidual(g, x, { from, to, expand, kernel, stride: i === 0 ? first : 1 });
      from = to;
    }
  }
  x = relu6(g, conv(g, x, { from, to: 1280, gain: Math.SQRT2 }));
  classifier(g, x, { channels: 1280 });
  return g.finish();
}
