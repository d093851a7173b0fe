// Static quantization with the built library, whose engine measures the ranges. Needs dist/: npm run build.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import type * as Sardonyx from '../../../web/index.js';
import type * as Quantize from '../../../quantize/index.js';
import { Model } from '../../../quantize/model.js';
import { cosine, noise, runOurs, runTheirs, type Floats } from './engines.js';
import { encodeModel, float, graph, node, noisyWeight, tensor, value } from './onnx.js';

vi.setConfig({ testTimeout: 60_000 });

const dist = resolve(process.env.SARDONYX_DIST ?? 'dist');
const { quantize } = (await import(
  pathToFileURL(resolve(dist, 'quantize.mjs')).href
)) as typeof Quantize;

type Parts = Partial<Parameters<typeof encodeModel>[0]>;
const SIZE = 2 * 4 * 8 * 8;
const x: Floats = { shape: [2, 4, 8, 8], data: noise(SIZE, 7) };

const conv = (input: string, w: string, output: string, ...rest: string[]) =>
  node('Conv', [input, w, ...rest], [output], { pads: [1, 1, 1, 1] });
const INITIALIZERS = [
  noisyWeight('w', [4, 4, 3, 3], 2),
  noisyWeight('v', [4, 4, 3, 3], 3),
  noisyWeight('b', [4], 4),
];

const model = (nodes: object[], parts: Parts = {}) =>
  encodeModel({
    opset: 13,
    inputs: [value('x', 'float32', [2, 4, 8, 8])],
    outputs: [value('y', 'float32', ['n', 'c', 'h', 'w'])],
    initializers: [...INITIALIZERS, ...(parts.initializers ?? [])],
    nodes,
    ...Object.fromEntries(Object.entries(parts).filter(([name]) => name !== 'initializers')),
  } as Parameters<typeof encodeModel>[0]);

const sample = ({ shape, data }: Floats, name = 'x'): Quantize.Sample => ({
  name: 'sample',
  feeds: async () => {
    const { Tensor } = (await import(
      pathToFileURL(resolve(dist, 'index.mjs')).href
    )) as typeof Sardonyx;
    return { [name]: new Tensor('float32', data, [...shape]) };
  },
});

const make = (bytes: Uint8Array, more: Partial<Quantize.Calibration> = {}, keep: string[] = []) =>
  quantize(bytes, { precision: 'int8', keep, calibration: { samples: [sample(x)], ...more } });

/** Operators in order, without those that only change the form of weights. */
const operators = (bytes: Uint8Array) => {
  const { graph } = new Model(bytes);
  const made = new Set(graph.node.flatMap(({ output }) => output));
  return graph.node
    .filter(({ opType, input }) => opType !== 'DequantizeLinear' || made.has(input[0]!))
    .map(({ opType }) => opType.replace('QuantizeLinear', 'Q').replace('DequantizeLinear', 'DQ'));
};

const norm = (input: string, output: string) =>
  node('BatchNormalization', [input, 'gain', 'shift', 'mean', 'variance'], [output]);
const NORM = [
  noisyWeight('gain', [4], 11),
  noisyWeight('shift', [4], 12),
  noisyWeight('mean', [4], 13),
  tensor('variance', 'float32', [4], [0.5, 1, 2, 3]),
];

/** Each with the operators that are to be there. */
const CASES: Record<string, [bytes: Uint8Array, operators: string[]]> = {
  'a clamp behind a layer': [
    model([conv('x', 'w', 'a', 'b'), node('Relu', ['a'], ['r']), conv('r', 'v', 'y')]),
    ['Q', 'DQ', 'Conv', 'Relu', 'Q', 'DQ', 'Conv', 'Q', 'DQ'],
  ],
  'a BatchNormalization, which becomes a part of the layer': [
    model([conv('x', 'w', 'a', 'b'), norm('a', 'n'), node('Relu', ['n'], ['y'])], {
      initializers: NORM,
    }),
    ['Q', 'DQ', 'Conv', 'Relu', 'Q', 'DQ'],
  ],
  'an activation of several nodes, with no integers inside': [
    model([
      conv('x', 'w', 'a', 'b'),
      node('Sigmoid', ['a'], ['s']),
      node('Mul', ['a', 's'], ['m']),
      conv('m', 'v', 'y'),
    ]),
    ['Q', 'DQ', 'Conv', 'Q', 'DQ', 'Sigmoid', 'Mul', 'Q', 'DQ', 'Conv', 'Q', 'DQ'],
  ],
  'a sum with a clamp': [
    model([
      conv('x', 'w', 'a', 'b'),
      conv('x', 'v', 'c'),
      node('Add', ['a', 'c'], ['s']),
      node('Relu', ['s'], ['r']),
      conv('r', 'v', 'y'),
    ]),
    [
      ...['Q', 'DQ', 'Conv', 'Q', 'DQ', 'Conv', 'Q', 'DQ'],
      ...['Add', 'Relu', 'Q', 'DQ', 'Conv', 'Q', 'DQ'],
    ],
  ],
  'what only moves elements, and floats behind the last layer': [
    model(
      [
        conv('x', 'w', 'a', 'b'),
        node('MaxPool', ['a'], ['p'], { kernel_shape: [2, 2], strides: [2, 2] }),
        node('Concat', ['p', 'p'], ['c'], { axis: 1 }),
        node('Conv', ['c', 'u'], ['d']),
        node('Transpose', ['d'], ['t'], { perm: [0, 2, 3, 1] }),
        node('Softmax', ['t'], ['y'], { axis: -1 }),
      ],
      { initializers: [noisyWeight('u', [5, 8, 1, 1], 5)] },
    ),
    [
      ...['Q', 'DQ', 'Conv', 'Q', 'DQ', 'MaxPool', 'Q', 'DQ', 'Concat', 'Q', 'DQ'],
      ...['Conv', 'Q', 'DQ', 'Transpose', 'Softmax'],
    ],
  ],
  'transposed convolution in groups': [
    model(
      [
        node('ConvTranspose', ['x', 'u', 'd'], ['t'], { group: 2, strides: [2, 2] }),
        node('BatchNormalization', ['t', 'g6', 's6', 'm6', 'v6'], ['y']),
      ],
      {
        initializers: [
          noisyWeight('u', [4, 3, 2, 2], 5),
          ...['d', 'g6', 's6', 'm6'].map((name, i) => noisyWeight(name, [6], 20 + i)),
          tensor('v6', 'float32', [6], [1, 2, 3, 4, 5, 6]),
        ],
      },
    ),
    ['Q', 'DQ', 'ConvTranspose', 'Q', 'DQ'],
  ],
  'a Gemm with factors behind a pool': [
    model(
      [
        conv('x', 'w', 'a', 'b'),
        node('GlobalAveragePool', ['a'], ['p']),
        node('Flatten', ['p'], ['f']),
        node('Gemm', ['f', 'u', 'd'], ['y'], { transB: 1, alpha: float(0.5), beta: float(-2) }),
      ],
      {
        initializers: [noisyWeight('u', [6, 4], 5), noisyWeight('d', [1, 6], 6)],
        outputs: [value('y', 'float32', [2, 6])],
      },
    ),
    [
      ...['Q', 'DQ', 'Conv', 'Q', 'DQ', 'GlobalAveragePool', 'Q', 'DQ', 'Flatten', 'Q', 'DQ'],
      ...['Gemm', 'Q', 'DQ'],
    ],
  ],
  'a MatMul with a row added and an output in between': [
    model(
      [
        node('MatMul', ['x', 'u'], ['m']),
        node('Add', ['d', 'm'], ['z']),
        node('Clip', ['z', 'low', 'high'], ['y']),
      ],
      {
        initializers: [
          noisyWeight('u', [8, 6], 5),
          noisyWeight('d', [6], 6),
          tensor('low', 'float32', [], [-1]),
          tensor('high', 'float32', [], [6]),
        ],
        outputs: [value('y', 'float32', [2, 4, 8, 6]), value('z', 'float32', [2, 4, 8, 6])],
      },
    ),
    ['Q', 'DQ', 'MatMul', 'Add', 'Q', 'DQ', 'Clip'],
  ],
  'an older opset, and a body that reads the result': [
    model(
      [
        conv('x', 'w', 'a', 'b'),
        node('Squeeze', ['one'], ['scalar'], { axes: [0] }),
        node('If', ['scalar'], ['y'], {
          then_branch: graph({
            inputs: [],
            outputs: [value('t', 'float32', [2, 4, 8, 8])],
            nodes: [node('Neg', ['a'], ['t'])],
          }),
          else_branch: graph({
            inputs: [],
            outputs: [value('e', 'float32', [2, 4, 8, 8])],
            nodes: [node('Identity', ['a'], ['e'])],
          }),
        }),
      ],
      { opset: 11, initializers: [tensor('one', 'bool', [1], [1])] },
    ),
    ['Q', 'DQ', 'Conv', 'Q', 'DQ', 'Squeeze', 'If'],
  ],
};

describe('static quantization', () => {
  it.each(Object.entries(CASES))('of %s', async (_, [bytes, expected]) => {
    const { model: made, report } = await make(bytes);
    expect(operators(made)).toEqual(expected);
    const reference = await runOurs(bytes, { x });
    const [ours, theirs] = [await runOurs(made, { x }), await runTheirs(made, { x })];
    for (const [name, values] of Object.entries(reference)) {
      expect(cosine(ours[name]!, values)).toBeGreaterThan(0.9995);
      expect(cosine(theirs[name]!, values)).toBeGreaterThan(0.9995);
      expect(cosine(ours[name]!, theirs[name]!)).toBeGreaterThan(0.9999);
      const told = report.outputs.find((output) => output.name === name)!;
      expect(told.cosine).toBeCloseTo(cosine(ours[name]!, values), 5);
    }
    for (const { weightSqnr, outputSqnr } of report.layers) {
      expect(weightSqnr).toBeGreaterThan(35);
      expect(outputSqnr).toBeGreaterThan(25);
    }
  });

  it.each(['minmax', 'percentile', 'entropy'] as const)('takes ranges by %s', async (method) => {
    const { report } = await make(CASES['a clamp behind a layer']![0], { method });
    expect(report.outputs[0]!.cosine).toBeGreaterThan(0.99);
    expect(report.layers).toHaveLength(2);
  });

  it('gives tensors of one Concat one scale, and Concat and MaxPool that of what they read', async () => {
    const { graph } = new Model(
      (await make(CASES['what only moves elements, and floats behind the last layer']![0])).model,
    );
    const scales = graph.node
      .filter(({ opType }) => opType === 'QuantizeLinear')
      .map(({ input }) => input[1]);
    expect(scales[2]).toBe(scales[1]);
    expect(scales[3]).toBe(scales[1]);
    expect(new Set(scales).size).toBe(3);
  });

  it('makes its own samples, the same each time', async () => {
    const bytes = CASES['a sum with a clamp']![0];
    const [one, two] = [
      await make(bytes, { samples: 'random' }),
      await make(bytes, { samples: 'random' }),
    ];
    expect(one.model).toEqual(two.model);
  });

  it('of dead channels and of a bias that is large beside its weights is right', async () => {
    const data = noise(4 * 4 * 9, 2).map((v, i) => (i < 36 ? 0 : i < 72 ? v * 1e-12 : v));
    const dead = model([conv('x', 'dead', 'y', 'large')], {
      initializers: [
        tensor('dead', 'float32', [4, 4, 3, 3], data),
        tensor('large', 'float32', [4], [0.7, -3, 1e3, 0]),
      ],
    });
    const { model: made } = await make(dead);
    const [reference, ours] = [await runOurs(dead, { x }), await runOurs(made, { x })];
    expect(cosine(ours.y!, reference.y!)).toBeGreaterThan(0.9999);
    const far = Math.max(...ours.y!.map((v, i) => Math.abs(v - reference.y![i]!)));
    expect(far).toBeLessThan(1010 / 255);
  });

  it('leaves layers that are to be kept, and tells', async () => {
    const bytes = CASES['a clamp behind a layer']![0];
    const { model: made, report } = await make(bytes, {}, ['Conv_a']);
    expect(operators(made)).toEqual(['Conv', 'Relu', 'Q', 'DQ', 'Conv', 'Q', 'DQ']);
    expect(report.kept).toEqual([{ node: 'Conv_a', operator: 'Conv', reason: 'it is to be kept' }]);
  });

  it('leaves the layers that cost too much, as few as it takes', async () => {
    // One channel is a million times as large as the others, which the next layer evens out.
    const scaled = (by: (channel: number) => number, axis: 0 | 1, seed: number) =>
      noise(4 * 4 * 9, seed).map((v, i) => v * by(Math.floor(i / (axis === 0 ? 36 : 9)) % 4));
    const bytes = model([conv('x', 'first', 'a'), conv('a', 'second', 'c'), conv('c', 'v', 'y')], {
      initializers: [
        tensor(
          'first',
          'float32',
          [4, 4, 3, 3],
          scaled((c) => (c === 0 ? 1e3 : 1), 0, 5),
        ),
        tensor(
          'second',
          'float32',
          [4, 4, 3, 3],
          scaled((c) => (c === 0 ? 0 : 1), 1, 6),
        ),
      ],
    });
    const free = await make(bytes, { minCosine: 0 });
    expect(free.report.outputs[0]!.cosine).toBeLessThan(0.99);
    const { report } = await make(bytes);
    expect(report.outputs[0]!.cosine).toBeGreaterThanOrEqual(0.99);
    expect(report.layers.map(({ node }) => node)).toEqual(['Conv_y']);
    expect(report.kept.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/^it alone would bring the outputs down to -?[\d.]+ dB$/),
      expect.stringMatching(/^it alone would bring the outputs down to -?[\d.]+ dB$/),
    ]);
  });

  it('tells how far the search for such layers is', async () => {
    const bytes = model([conv('x', 'w', 'a'), conv('a', 'v', 'c'), conv('c', 'w', 'y')]);
    const calibration = { samples: [sample(x)], minSqnr: 40 };
    const seen: Quantize.QuantizeProgress[] = [];
    await quantize(bytes, { precision: 'int8', calibration }, (news) => seen.push(news));
    const single = seen.filter(({ phase }) => phase === 'single layers');
    expect(single.length).toBeGreaterThan(0);
    for (const { done, total } of single) expect([done < 3, total]).toEqual([true, 3]);
    const phases = seen.map(({ phase }) => phase).filter((phase, i, all) => phase !== all[i - 1]);
    expect(phases.slice(0, 4)).toEqual(['calibrate', 'compare', 'single layers', 'compare']);
  });

  it('compares with samples that were not calibrated with, where there are five', async () => {
    const seen: string[] = [];
    const samples = [1, 2, 3, 4, 5].map((seed) => ({
      name: `${seed}`,
      feeds: (inputs: Parameters<Quantize.Sample['feeds']>[0]) => {
        seen.push(`${seed}`);
        return sample({ shape: x.shape, data: noise(SIZE, seed) }).feeds(inputs);
      },
    }));
    await make(CASES['a clamp behind a layer']![0], { samples });
    expect(seen).toEqual(['1', '2', '3', '4', '5', '5']);
  });
});

describe('static quantization refuses', () => {
  const bytes = CASES['a clamp behind a layer']![0];

  it.each([
    ['no samples', { samples: [] }, 'calibration.samples'],
    ['samples that are none', { samples: [{}] }, 'calibration.samples'],
    ['an unknown method', { method: 'guess' }, 'calibration.method'],
    ['a cosine above 1', { minCosine: 1.5 }, 'calibration.minCosine'],
    ['an SQNR that is no number', { minSqnr: NaN }, 'calibration.minSqnr'],
    ['an option that there is not', { percentile: 99 }, 'calibration.percentile'],
  ])('%s', async (_, more, field) => {
    await expect(make(bytes, more as Partial<Quantize.Calibration>)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      where: { field },
    });
  });

  it('calibration for other precisions', async () => {
    const options = { precision: 'int4', calibration: { samples: 'random' } } as const;
    await expect(quantize(bytes, options)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  const feeds = (data: Float32Array, shape = x.shape): Quantize.Sample => ({
    ...sample({ shape, data: data as Floats['data'] }),
    name: 'samples/7',
    files: { x: 'samples/7/x.npy' },
  });

  it.each([
    ['a sample of a wrong shape', feeds(noise(16), [1, 4, 2, 2]), 'INPUT_SHAPE'],
    ['a sample of a wrong input', sample(x, 'z'), 'INPUT_UNKNOWN'],
    [
      'a sample that gives nothing',
      { ...sample(x), feeds: () => null as never },
      'INVALID_ARGUMENT',
    ],
    ['a sample with NaN', feeds(new Float32Array(SIZE).fill(NaN)), 'VALUE_RANGE'],
  ])('%s, and names it', async (_, wrong, code) => {
    const refused = make(bytes, { samples: [sample(x), wrong] });
    await expect(refused).rejects.toMatchObject({
      code,
      message: expect.stringContaining(`${wrong.files?.x ?? wrong.name}: `) as string,
    });
  });

  it('activations that are infinite, and names the tensor', async () => {
    const refused = make(bytes, { samples: [feeds(new Float32Array(SIZE).fill(3e38))] });
    await expect(refused).rejects.toMatchObject({
      code: 'VALUE_RANGE',
      where: { tensor: 'r' },
      message: expect.stringContaining('samples/7: ') as string,
    });
  });

  it('a model whose own outputs are NaN, and names the sample', async () => {
    const roots = model([conv('x', 'w', 'a'), node('Sqrt', ['a'], ['y'])]);
    await expect(make(roots, { samples: [feeds(x.data)] })).rejects.toMatchObject({
      code: 'VALUE_RANGE',
      where: { tensor: 'y' },
      message: 'samples/7: y has NaN',
    });
  });

  it('a model that is quantized already', async () => {
    const { model: made } = await make(bytes);
    await expect(make(made)).rejects.toMatchObject({ code: 'MODEL_QUANTIZED' });
  });

  it('a graph with a cycle', async () => {
    const cycle = model([
      node('Relu', ['p'], ['q']),
      node('Sigmoid', ['q'], ['p']),
      node('Add', ['p', 'x'], ['s']),
      conv('s', 'w', 'y'),
    ]);
    await expect(make(cycle)).rejects.toMatchObject({ code: 'GRAPH_CYCLE' });
  });

  it('a bound that no layer meets', async () => {
    await expect(make(bytes, { minSqnr: 200 })).rejects.toMatchObject({
      code: 'NOTHING_TO_QUANTIZE',
    });
  });

  it('and goes on after each', async () => {
    expect((await make(bytes)).report.layers).toHaveLength(2);
  });

  it('ends when it is aborted', async () => {
    const abort = new AbortController();
    const options = { samples: [sample(x)] };
    const done = quantize(
      bytes,
      { precision: 'int8', calibration: options, signal: abort.signal },
      ({ phase }) => {
        if (phase === 'compare') abort.abort('enough');
      },
    );
    await expect(done).rejects.toBe('enough');
  });
});
