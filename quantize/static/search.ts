// Finds the layers that have to stay floats: as few as the outputs allow.
import type { Likeness } from '../agreement.js';
import type { Job } from '../job.js';
import { nodeName } from '../model.js';
import { FLOAT } from '../tensor_data.js';
import { MIN_COSINE, splitSamples, type Calibration } from './calibration.js';
import { compare, Reference } from './compare.js';
import type { Sample } from './samples.js';
import { Trials, type Trial } from './trial.js';

/** Samples to tell what a single layer costs. */
const SINGLE_SAMPLES = 2;

export class Search {
  readonly trials: Trials;
  /** Float tensors that the model gives. */
  readonly outputs: readonly string[];
  /** Of outputs and of what layers give, as they were in the last trial. */
  likenesses: ReadonlyMap<string, Likeness> = new Map();
  readonly #comparison: readonly Sample[];

  constructor(
    bytes: Uint8Array,
    readonly job: Job,
    readonly calibration: Calibration,
  ) {
    const [samples, comparison] = splitSamples(calibration.samples);
    this.trials = new Trials(bytes, job, samples, calibration.method ?? 'percentile');
    this.#comparison = comparison;
    const produced = this.trials.float.producers();
    this.outputs = this.trials.float.graph.output
      .filter(({ name, type }) => produced.has(name) && type?.tensorType?.elemType === FLOAT)
      .map(({ name }) => name);
  }

  /** The layers by name, and the SQNR of the outputs in dB when one of them alone is quantized. */
  async run(): Promise<ReadonlyMap<string, number>> {
    const none = new Map<string, number>();
    const { layers } = await this.#try(none);
    if (layers.length === 0 || this.#fits()) return none;
    const worst = await this.#byNoise(layers.map(({ node }) => nodeName(node)));
    // So many of the worst stay: too few, and enough. All of them always are.
    let [few, enough] = [0, worst.length];
    while (enough - few > 1) {
      const middle = (few + enough) >> 1;
      await this.#try(new Map(worst.slice(0, middle)));
      if (this.#fits()) enough = middle;
      else few = middle;
    }
    const given = new Map(worst.slice(0, enough));
    await this.#try(given);
    return given;
  }

  async #try(floats: ReadonlyMap<string, unknown>): Promise<Trial> {
    const trial = await this.trials.quantize(new Set(floats.keys()));
    const { float } = this.trials;
    const produced = float.producers();
    const names = new Set([...trial.choice.endings.values(), ...this.outputs]);
    this.likenesses = await compare(float, trial.model, {
      names: [...names].filter((name) => produced.has(name)),
      samples: this.#comparison,
      onRun: (done, total) => this.job.measure('compare', done, total),
    });
    return trial;
  }

  #fits(): boolean {
    const { minCosine = MIN_COSINE, minSqnr = -Infinity } = this.calibration;
    return this.outputs.every((name) => {
      const { cosine, sqnr } = this.likenesses.get(name)!;
      return cosine >= minCosine && sqnr >= minSqnr;
    });
  }

  async #byNoise(layers: readonly string[]): Promise<(readonly [string, number])[]> {
    const reference = await Reference.of(this.trials.float, {
      names: this.outputs,
      samples: this.#comparison.slice(0, SINGLE_SAMPLES),
      onRun: () => Promise.resolve(),
    });
    const found: (readonly [string, number])[] = [];
    for (const [done, layer] of layers.entries()) {
      await this.job.measure('single layers', done, layers.length);
      const others = new Set(layers.filter((name) => name !== layer));
      const { model } = await this.trials.quantize(others);
      found.push([layer, await reference.sqnr(model)]);
    }
    return found.sort(([, a], [, b]) => a - b);
  }
}
