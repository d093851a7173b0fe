// The twins are well-formed, the same in every run, and onnxruntime-web computes what their outputs declare.
import * as ort from 'onnxruntime-web';
import { describe, expect, it, vi } from 'vitest';

interface Spec {
  readonly name: string;
  readonly dtype: 'float32' | 'int64';
  readonly dims: readonly number[];
}
interface Feed extends Spec {
  readonly bytes: Uint8Array<ArrayBuffer>;
}
interface Twins {
  readonly TWINS: readonly string[];
  readonly writeTwin: (name: string) => { bytes: Uint8Array; inputs: Spec[] };
}
interface Inputs {
  readonly seededInputs: (specs: readonly Spec[]) => Feed[];
}
interface Schema {
  readonly ModelProto: {
    decode(bytes: Uint8Array): {
      graph: {
        node: { opType: string; input: string[]; output: string[] }[];
        initializer: { name: string }[];
        input: { name: string }[];
        output: { name: string }[];
      };
    };
  };
}
const scripts = {
  twins: '../../../bench/twins/index.mjs',
  inputs: '../../../bench/inputs.mjs',
  schema: '../../../tools/onnx/schema.mjs',
};
const { TWINS, writeTwin } = (await import(scripts.twins)) as Twins;
const { seededInputs } = (await import(scripts.inputs)) as Inputs;
const { ModelProto } = (await import(scripts.schema)) as Schema;

vi.setConfig({ testTimeout: 120_000 });
ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

const OUTPUTS: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>> = {
  mobilenet_v2: { logits: [1, 1000] },
  resnet50: { logits: [1, 1000] },
  efficientnet_lite0: { logits: [1, 1000] },
  minilm_l6: { last_hidden_state: [1, 128, 384] },
  vit_tiny: { logits: [1, 1000] },
  whisper_tiny_encoder: { last_hidden_state: [1, 1500, 384] },
  decoder_layers: {
    hidden_states: [1, 1, 896],
    ...Object.fromEntries(
      [0, 1, 2, 3].flatMap((layer) =>
        ['key', 'value'].map((kind) => [`present.${layer}.${kind}`, [1, 2, 257, 64]]),
      ),
    ),
  },
};

function tensorOf({ dtype, dims, bytes }: Feed) {
  return dtype === 'int64'
    ? new ort.Tensor('int64', new BigInt64Array(bytes.buffer), dims)
    : new ort.Tensor('float32', new Float32Array(bytes.buffer), dims);
}

function expectDefinedBeforeRead(bytes: Uint8Array) {
  const { graph } = ModelProto.decode(bytes);
  const known = new Set([...graph.input, ...graph.initializer].map((each) => each.name));
  for (const { opType, input, output } of graph.node) {
    for (const value of input) expect(known, `${opType} reads ${value}`).toContain(value);
    for (const value of output) {
      expect(known, `${opType} writes ${value} again`).not.toContain(value);
      known.add(value);
    }
  }
  for (const { name } of graph.output) expect(known).toContain(name);
}

describe('twins', () => {
  it.each(TWINS)('%s runs in onnxruntime-web', async (name) => {
    const { bytes, inputs } = writeTwin(name);
    expectDefinedBeforeRead(bytes);
    const session = await ort.InferenceSession.create(bytes);
    const feeds = seededInputs(inputs).map((feed) => [feed.name, tensorOf(feed)] as const);
    const results = await session.run(Object.fromEntries(feeds));
    await session.release();
    const dims = Object.fromEntries(Object.entries(results).map(([key, { dims }]) => [key, dims]));
    expect(dims).toEqual(OUTPUTS[name]);
    for (const [output, { data }] of Object.entries(results)) {
      const values = data as Float32Array;
      expect(values.every(Number.isFinite), output).toBe(true);
      // An output that is all alike would hide wrong results.
      const some = values.slice(0, 1000);
      expect(Math.max(...some) - Math.min(...some), output).toBeGreaterThan(0.01);
    }
  });

  it('are the same in every run', () => {
    const [first, second] = [writeTwin('vit_tiny'), writeTwin('vit_tiny')];
    expect(Buffer.compare(first.bytes, second.bytes)).toBe(0);
  });
});
