import { describe, expect, it, vi } from 'vitest';
import { Model } from '../../../quantize/model.js';
import { quantize } from '../../../quantize/index.js';
import { cosine, noise, runOurs, runTheirs } from './engines.js';
import { encodeModel, node, noisyWeight, value } from './onnx.js';

vi.setConfig({ testTimeout: 60_000 });

const [STEPS, BATCH, IN, UNITS] = [5, 2, 40, 16];
const x = { shape: [STEPS, BATCH, IN], data: noise(STEPS * BATCH * IN, 7) };

const GATES = { LSTM: 4, GRU: 3, RNN: 1 };
type Layer = keyof typeof GATES;

function layer(type: Layer, directions: number, parts: object = {}): Uint8Array {
  const gates = GATES[type] * UNITS;
  const direction = directions === 2 ? 'bidirectional' : 'forward';
  return encodeModel({
    opset: 9,
    inputs: [value('x', 'float32', x.shape)],
    outputs: [value('y', 'float32', [STEPS, directions, BATCH, UNITS])],
    initializers: [
      noisyWeight('w', [directions, gates, IN], 1),
      noisyWeight('r', [directions, gates, UNITS], 2),
    ],
    nodes: [node(type, ['x', 'w', 'r'], ['y'], { hidden_size: UNITS, direction })],
    ...parts,
  });
}

const int8 = (bytes: Uint8Array, keep: string[] = []) =>
  quantize(bytes, { precision: 'int8', keep });
const operators = (bytes: Uint8Array) => new Model(bytes).graph.node.map(({ opType }) => opType);

describe('int8 weights of recurrent layers', () => {
  it.each([
    ['LSTM', 1],
    ['LSTM', 2],
    ['GRU', 2],
    ['RNN', 2],
  ] as const)('%s in %i directions: like the floats, in both engines', async (type, directions) => {
    const bytes = layer(type, directions);
    const { model: small, report } = await int8(bytes);
    const gates = GATES[type] * UNITS;
    const large = [IN, UNITS].filter((from) => directions * gates * from >= 1024);
    expect(operators(small)).toEqual([...large.map(() => 'DequantizeLinear'), type]);
    expect(report.layers.map(({ shape }) => shape)).toEqual(
      large.map((from) => [directions, gates, from]),
    );
    for (const { weightSqnr } of report.layers) expect(weightSqnr).toBeGreaterThan(40);
    const { y: floats } = await runOurs(bytes, { x });
    const { y: ours } = await runOurs(small, { x });
    const { y: theirs } = await runTheirs(small, { x });
    expect(cosine(ours!, floats!)).toBeGreaterThan(0.999);
    for (const [i, number] of ours!.entries()) expect(number).toBeCloseTo(theirs![i]!, 4);
  });

  it('writes weights that layers share once', async () => {
    const { model: small } = await int8(
      layer('GRU', 2, {
        outputs: [value('y', 'float32', [STEPS, 2, BATCH, UNITS])],
        nodes: ['a', 'b']
          .map((name) =>
            node('GRU', ['x', 'w', 'r'], [name], {
              hidden_size: UNITS,
              direction: 'bidirectional',
            }),
          )
          .concat(node('Add', ['a', 'b'], ['y'])),
      }),
    );
    expect(operators(small)).toEqual(['DequantizeLinear', 'DequantizeLinear', 'GRU', 'GRU', 'Add']);
  });

  it('leaves layers that are to be kept, and says so', async () => {
    const bytes = layer('LSTM', 1);
    await expect(int8(bytes, ['LSTM'])).rejects.toMatchObject({ code: 'NOTHING_TO_QUANTIZE' });
  });
});
