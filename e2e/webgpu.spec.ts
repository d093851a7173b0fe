// Models on WebGPU, on the software adapter of Chromium: one device for all models of a page, and what
// happens where WebGPU fails.
import { dataSets, floorOf, haveShared, noShared } from './golden';
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
        async ({ model, set, floor, force }) => {
          const { harness } = window;
          const session = await harness.loadShared(model, { force });
          const differences = await harness.compareSet(session, model, set, floor);
          const { device, why, steps } = await session.explain();
          await session.dispose();
          const onCpu = steps.filter((step) => step.device === 'cpu');
          return { device, why, differences, steps: steps.length, onCpu };
        },
        { model, set: dataSets(model).at(-1)!, floor: floorOf(model), force },
      );
      expect(found.device, found.why.join('\n')).toBe('webgpu');
      expect(found.onCpu).toEqual([]);
      expect(found.steps).toBeGreaterThan(3);
      for (const worst of found.differences) {
        expect(worst.ratio, JSON.stringify(worst)).toBeLessThanOrEqual(1);
      }
    });
  }
});
