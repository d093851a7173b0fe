// Trained models on WebGPU, on the software adapter of Chromium.
import { dataSets, measureOf, haveShared, noShared } from './golden';
import { expect, sharedPage, test } from './site';
import { webgpuBrowser } from './webgpu_browser';

test.use({ launchOptions: webgpuBrowser });

const force = { device: 'webgpu' } as const;

/** Trained models whose steps all have GPU kernels. */
const models = [
  'mnist_cnn_cntk',
  'squeezenet1_0_fp32',
  'speech_commands_squeezenet',
  'ultraface_rfb320',
  'yolox_nano',
  'yunet_n_dynamic',
  'mediapipe_selfie',
  'superres10',
] as const;

test.describe('golden outputs: WebGPU', () => {
  test.skip(!haveShared, noShared);
  const page = sharedPage('isolated');

  for (const model of models) {
    test(model, async () => {
      test.setTimeout(120_000);
      const found = await page().evaluate(
        async ({ model, set, measure, force }) => {
          const { harness } = window;
          const session = await harness.loadShared(model, { force });
          const differences = await harness.compareSet(session, model, set, measure);
          const { device, why, steps } = await session.explain();
          await session.dispose();
          const onCpu = steps.filter((step) => step.device === 'cpu');
          return { device, why, differences, steps: steps.length, onCpu };
        },
        { model, set: dataSets(model).at(-1)!, measure: measureOf(model), force },
      );
      expect(found.device, found.why.join('\n')).toBe('webgpu');
      expect(found.why).toContainEqual(expect.stringMatching(/^WebGPU: .*swiftshader/));
      expect(found.onCpu).toEqual([]);
      expect(found.steps).toBeGreaterThan(3);
      for (const worst of found.differences) {
        expect(worst.ratio, JSON.stringify(worst)).toBeLessThanOrEqual(1);
      }
    });
  }
});

interface KnownTensor {
  readonly shape: number[];
  readonly base64: string;
}
interface GlyphsManifest {
  readonly parameters: number;
  readonly knownAnswers: {
    readonly inputs: { readonly glyph: KnownTensor };
    readonly outputs: { readonly probabilities: KnownTensor };
    readonly tolerance: { readonly fp16: number };
  }[];
}

test.describe('weights stored as float16', () => {
  const page = sharedPage('isolated');

  test('stay so on the GPU', async () => {
    const found = await page().evaluate(async () => {
      const { sardonyx } = window;
      const manifest = await fetch('/own-models/glyphs/glyphs.sardonyx.json');
      const { knownAnswers, parameters } = (await manifest.json()) as GlyphsManifest;
      const floats = ({ base64 }: KnownTensor) =>
        new Float32Array(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer);
      const session = await sardonyx.load('/own-models/glyphs/glyphs_fp16.onnx', {
        force: { device: 'webgpu' },
      });
      const worst = [];
      for (const { inputs, outputs, tolerance } of knownAnswers) {
        const { shape } = inputs.glyph;
        const glyph = new sardonyx.Tensor('float32', floats(inputs.glyph), shape);
        const got = (await session.run({ glyph })).probabilities!.data as Float32Array;
        const differences = floats(outputs.probabilities).map((p, i) => Math.abs(p - got[i]!));
        worst.push({ difference: Math.max(...differences), tolerance: tolerance.fp16 });
      }
      const { device, why, steps, gpu } = await session.explain();
      await session.dispose();
      const devices = [...new Set(steps.map((step) => step.device))];
      return { device, why, devices, gpu, worst, parameters };
    });
    expect(found.device, found.why.join('\n')).toBe('webgpu');
    expect(found.devices).toEqual(['webgpu']);
    // One bias for each output of the three convolutions and of the classes; they are float32.
    const biases = 32 + 64 + 96 + 36;
    const weights = found.parameters - biases;
    expect(found.gpu!.halfBytes).toBe(2 * weights);
    expect(found.gpu!.weightBytes).toBeLessThan(2 * weights + 4 * biases + 8 * 64);
    expect(found.gpu!.keptBytes).toBeGreaterThanOrEqual(4 * (weights + biases));
    expect(found.worst.length).toBeGreaterThan(0);
    for (const { difference, tolerance } of found.worst) {
      expect(difference).toBeLessThanOrEqual(tolerance);
    }
  });
});
