// Trained models on WebGPU, on the software adapter of Chromium.
import { dataSets, measureOf, haveShared, noShared } from './golden';
import type { Manifest } from '../web/index';
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

test.describe('weights stored as float16', () => {
  const page = sharedPage('isolated');

  test('stay so on the GPU', async () => {
    const found = await page().evaluate(async () => {
      const { harness, sardonyx } = window;
      const manifest = await fetch('/own-models/glyphs/glyphs.sardonyx.json');
      const glyphs = (await manifest.json()) as Manifest;
      const session = await sardonyx.load('/own-models/glyphs/glyphs_fp16.onnx', {
        force: { device: 'webgpu' },
      });
      const worst = await harness.answerAll(session, glyphs, 'fp16');
      const { device, why, steps, gpu } = await session.explain();
      await session.dispose();
      const devices = [...new Set(steps.map((step) => step.device))];
      return { device, why, devices, gpu, worst, parameters: glyphs.parameters! };
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

test.describe('profile', () => {
  const page = sharedPage('isolated');

  test('has the time of each step on the GPU, and runs go on', async () => {
    const found = await page().evaluate(async () => {
      const { harness, sardonyx } = window;
      const manifest = await fetch('/own-models/glyphs/glyphs.sardonyx.json');
      const glyphs = (await manifest.json()) as Manifest;
      const session = await sardonyx.load('/own-models/glyphs/glyphs_fp32.onnx', {
        force: { device: 'webgpu' },
      });
      const { runs, ms, steps, flops } = await session.profile(undefined, { runs: 3 });
      const worst = await harness.answerAll(session, glyphs, 'fp32');
      const plan = await session.explain();
      await session.dispose();
      const names = plan.steps.map(({ operator, kernel }) => `${operator} ${kernel}`);
      return { runs, ms, steps, flops, names, device: plan.device, worst };
    });
    expect(found.device).toBe('webgpu');
    expect(found.runs).toBe(3);
    expect(found.steps.map(({ operator, kernel }) => `${operator} ${kernel}`)).toEqual(found.names);
    for (const step of found.steps) {
      expect(step).toMatchObject({ device: 'webgpu', calls: 1, depth: 0 });
      expect(step.ms).toBeGreaterThanOrEqual(0);
    }
    expect(Math.max(...found.steps.map(({ ms }) => ms))).toBeGreaterThan(0);
    expect(found.ms).toBeGreaterThan(0);
    expect(found.flops).toBeGreaterThan(1e5);
    for (const { difference, tolerance } of found.worst) {
      expect(difference).toBeLessThanOrEqual(tolerance);
    }
  });
});
