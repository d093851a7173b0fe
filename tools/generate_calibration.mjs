// -> router/calibration_models.generated.ts: the two models that router/calibration.ts compares. Their weights are
// ConstantOfShape nodes, so that they take a few hundred bytes.
//   node tools/generate_calibration.mjs           write it
//   node tools/generate_calibration.mjs --check   fail when it is not what would be written
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { encodeModel, node as named, tensor, value } from './onnx/model.mjs';

const file = fileURLToPath(new URL('../router/calibration_models.generated.ts', import.meta.url));
const head = '// Written by tools/generate_calibration.mjs.\n';

// 32 million products: a few milliseconds of one thread.
const SIZE = 56;
const CHANNELS = 32;
const LAYERS = [
  { to: 32, kernel: 3 },
  { to: 32, kernel: 1 },
];
const node = (op, inputs, outputs, attributes) =>
  named(op, inputs, outputs, attributes, { name: '' });

function chain(dtype, weightType, layer) {
  const nodes = [node('Expand', ['x', 'shape'], ['v0'])];
  const initializers = [
    tensor('shape', 'int64', [4], [1n, BigInt(CHANNELS), BigInt(SIZE), BigInt(SIZE)]),
  ];
  let from = CHANNELS;
  LAYERS.forEach(({ to, kernel }, i) => {
    const dims = [to, from, kernel, kernel].map(BigInt);
    initializers.push(tensor(`s${i}`, 'int64', [4], dims));
    nodes.push(
      node('ConstantOfShape', [`s${i}`], [`w${i}`], { value: tensor('', weightType, [1], [1]) }),
      ...layer(`v${i}`, `w${i}`, i === LAYERS.length - 1 ? 'y' : `v${i + 1}`, (kernel - 1) / 2),
    );
    from = to;
  });
  return {
    nodes,
    initializers,
    inputs: [value('x', dtype, [1])],
    outputs: [value('y', dtype, [1, from, SIZE, SIZE])],
  };
}

const pads = (pad) => ({ pads: [pad, pad, pad, pad] });

export function models() {
  const float = chain('float32', 'float32', (x, w, y, pad) => [
    node('Conv', [x, w], [`c${y}`], pads(pad)),
    node('Relu', [`c${y}`], [y]),
  ]);
  const integer = chain('uint8', 'int8', (x, w, y, pad) => [
    node('QLinearConv', [x, 's', 'zx', w, 's', 'zw', 's', 'zx'], [y], pads(pad)),
  ]);
  integer.initializers.push(
    tensor('s', 'float32', [], [0.125]),
    tensor('zx', 'uint8', [], [3]),
    tensor('zw', 'int8', [], [0]),
  );
  return { float: encodeModel(float), integer: encodeModel(integer) };
}

export function generate() {
  const lines = Object.entries(models()).map(
    ([name, bytes]) => `  ${name}:\n    '${Buffer.from(bytes).toString('base64')}',\n`,
  );
  return `${head}// ONNX files in base64.\nexport const MODELS = {\n${lines.join('')}} as const;\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const text = generate();
  if (!process.argv.includes('--check')) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) {
    console.error(`${file} is stale. Type: node tools/generate_calibration.mjs`);
    process.exitCode = 1;
  }
}
