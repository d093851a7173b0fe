// The demo's stand-in model: a convolutional network with kernels from textbooks instead of trained
// ones. Gaussian blur, Sobel in eight directions with ReLU, one colour per direction; relief beside it.
//   node tools/onnx/make_demo_model.mjs OUTPUT.onnx
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { argv } from 'node:process';
import { pathToFileURL } from 'node:url';
import { encodeModel, node, tensor, value } from './model.mjs';

const luma = [0.299, 0.587, 0.114]; // ITU-R BT.601

function gaussian(size, sigma) {
  const taps = Array.from({ length: size }, (_, i) =>
    Math.exp(-((i - (size - 1) / 2) ** 2) / (2 * sigma * sigma)),
  );
  const sum = taps.reduce((a, b) => a + b);
  return taps.map((t) => t / sum);
}

/** `count` 3×3 kernels: the derivative along the angles 0, 2π/count, … */
function directionalSobel(count, gain) {
  const alongX = [-1, 0, 1, -2, 0, 2, -1, 0, 1];
  const alongY = [-1, -2, -1, 0, 0, 0, 1, 2, 1];
  return Array.from({ length: count }, (_, k) => {
    const angle = (2 * Math.PI * k) / count;
    return alongX.map((x, i) => (gain / 4) * (Math.cos(angle) * x + Math.sin(angle) * alongY[i]));
  }).flat();
}

/** [3, count]: the colour of each direction, hues around the circle; a full response is one colour. */
function directionColours(count) {
  const channel = (hue, offset) => 0.55 + 0.45 * Math.cos(hue - offset);
  return [0, (2 * Math.PI) / 3, (4 * Math.PI) / 3].flatMap((offset) =>
    Array.from(
      { length: count },
      (_, k) => (2 / count) * channel((2 * Math.PI * k) / count, offset),
    ),
  );
}

/**
 * image [1, 3, height, width], RGB in 0..1 → edges [1, 3, height − 6, width − 6],
 * relief [1, 1, height − 6, width − 6], blur [1, 3, height − 4, width − 4]; values may leave 0..1.
 */
export function demoModel() {
  const taps = gaussian(5, 1.1);
  const f32 = (name, dims, values) => tensor(name, 'float32', dims, values);
  return encodeModel({
    opset: 13,
    inputs: [value('image', 'float32', [1, 3, 'height', 'width'])],
    outputs: [
      value('edges', 'float32', [1, 3, 'edges_height', 'edges_width']),
      value('relief', 'float32', [1, 1, 'edges_height', 'edges_width']),
      value('blur', 'float32', [1, 3, 'blur_height', 'blur_width']),
    ],
    nodes: [
      node('Conv', ['image', 'gauss_x'], ['blurred_rows'], { group: 3, kernel_shape: [1, 5] }),
      node('Conv', ['blurred_rows', 'gauss_y'], ['blur'], { group: 3, kernel_shape: [5, 1] }),
      node('Conv', ['blur', 'luma'], ['grey'], { kernel_shape: [1, 1] }),
      node('Conv', ['grey', 'sobel', 'threshold'], ['slopes'], { kernel_shape: [3, 3] }),
      node('Relu', ['slopes'], ['directions']),
      node('Conv', ['directions', 'colours'], ['edges'], { kernel_shape: [1, 1] }),
      node('Conv', ['grey', 'emboss', 'middle'], ['relief'], { kernel_shape: [3, 3] }),
    ],
    initializers: [
      f32('gauss_x', [3, 1, 1, 5], [...taps, ...taps, ...taps]),
      f32('gauss_y', [3, 1, 5, 1], [...taps, ...taps, ...taps]),
      f32('luma', [1, 3, 1, 1], luma),
      f32('sobel', [8, 1, 3, 3], directionalSobel(8, 9)),
      f32('threshold', [8], Array(8).fill(-0.12)),
      f32('colours', [3, 8, 1, 1], directionColours(8)),
      f32('emboss', [1, 1, 3, 3], [-3, -1.5, 0, -1.5, 0, 1.5, 0, 1.5, 3]),
      f32('middle', [1], [0.5]),
    ],
  });
}

if (argv[1] && import.meta.url === pathToFileURL(argv[1]).href) {
  const output = argv[2];
  if (!output) throw new Error('usage: node tools/onnx/make_demo_model.mjs OUTPUT.onnx');
  mkdirSync(dirname(output), { recursive: true });
  writeFileSync(output, demoModel());
}
