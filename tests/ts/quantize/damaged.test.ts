// Damaged models: quantize gives a model or an error with a code, whatever the bytes are.
import { expect, it, vi } from 'vitest';
import { quantize, type QuantizeOptions } from '../../../quantize/index.js';
import { SardonyxError } from '../../../web/index.js';
import { noise } from './engines.js';
import { encodeModel, float, graph, node, tensor, value } from './onnx.js';

vi.setConfig({ testTimeout: 60_000 });

const K = 16;
const body = graph({
  inputs: [],
  outputs: [value('inner', 'float32', [1, K])],
  nodes: [node('MatMul', ['a', 'w'], ['inner'])],
});
const model = encodeModel({
  opset: 9,
  inputs: [value('x', 'float32', [1, K]), value('i', 'int64', [1])],
  outputs: [value('y', 'float32', [1, K]), value('rows', 'float32', [1, K])],
  initializers: [
    tensor('w', 'float32', [K, K], noise(K * K)),
    tensor('b', 'float32', [K], noise(K)),
    tensor('s', 'float32', [2], [1, 2]),
  ],
  nodes: [
    node('Constant', [], ['yes'], { value: tensor('', 'bool', [], [1]) }),
    node('Clip', ['x'], ['c'], { min: float(0.5) }),
    node('Gemm', ['c', 'w', 'b'], ['a'], { alpha: float(0.5), transB: 1 }),
    node('Upsample', ['a', 's'], ['up'], { mode: 'nearest' }),
    node('If', ['yes'], ['y'], { then_branch: body, else_branch: body }),
    node('Gather', ['w', 'i'], ['rows']),
  ],
});

/** The same numbers each time, from 0 to `below`. */
function* numbers(): Generator<number, never, number> {
  let below = 1;
  for (let state = 7; ; state = (Math.imul(state, 1664525) + 1013904223) >>> 0) {
    below = yield Math.floor((state / 2 ** 32) * below);
  }
}

function damage(bytes: Uint8Array, next: (below: number) => number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  switch (next(3)) {
    case 0:
      return copy.subarray(0, next(copy.length));
    case 1: {
      const at = next(copy.length);
      return Uint8Array.from([...copy.subarray(0, at), ...copy.subarray(at + 1 + next(8))]);
    }
    default:
      for (let i = next(4); i >= 0; i--) copy[next(copy.length)] = next(256);
      return copy;
  }
}

const MODES: QuantizeOptions[] = [
  { precision: 'int8' },
  { precision: 'int4', group: 16, zeroPoints: true },
  { precision: 'fp16' },
];

it.each(MODES)('$precision', async (options) => {
  const source = numbers();
  source.next();
  const next = (below: number) => source.next(below).value;
  const outcomes = new Map<string, number>();
  for (let i = 0; i < 1500; i++) {
    const bytes = damage(model, next);
    const outcome = await quantize(bytes, options).then(
      () => 'a model',
      (thrown: unknown) => {
        if (thrown instanceof SardonyxError) return thrown.code;
        throw thrown;
      },
    );
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  expect(outcomes.get('a model')).toBeGreaterThan(100);
  expect(outcomes.get('MODEL_MALFORMED')).toBeGreaterThan(100);
  expect(outcomes.size).toBeGreaterThan(3);
});
