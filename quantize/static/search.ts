// Finds the layers that have to stay floats: as few as the outputs allow.
import type { Likeness } from '../agreement.js';
import type { Job } from '../job.js';
import { Model, nodeName } from '../model.js';
import { FLOAT } from '../tensor_data.js';
import { MIN_COSINE, splitSamples, type Calibration } from './calibration.js';
import { measureBranches } from './branches.js';
import { compare } from './compare.js';
import type { Sample } from './samples.js';
import { nextCount } from './taps.js';
import { Trials, type Trial } from './trial.js';

/** Samples to tell what a single layer costs. */
const SINGLE_SAMPLES = 2;
const FIRST_BRANCHES = 16;
const MOST_BRANCHES = 32;

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
    if (layers.length === 0 || this.#fits(this.likenesses)) return none;
    const worst = await this.#byNoise(layers.map(({ node }) => nodeName(node)));
    // So many of the worst stay: too few, and enough. All of them always are.
    let [few, enough] = [0, worst.length];
    while (enough - few > 1) {
      const middle = (few + enough) >> 1;
      const { model } = await this.trials.quantize(namesOf(worst.slice(0, middle)));
      if (this.#fits(await this.#compare(model, this.outputs))) enough = middle;
      else few = middle;
    }
    const given = new Map(worst.slice(0, enough));
    await this.#try(given);
    return given;
  }

  /** Compares what the layers give, too. */
  async #try(floats: ReadonlyMap<string, number>): Promise<Trial> {
    const trial = await this.trials.quantize(namesOf(floats));
    const produced = this.trials.float.producers();
    const names = new Set([...trial.choice.endings.values(), ...this.outputs]);
    this.likenesses = await this.#compare(
      trial.model,
      [...names].filter((name) => produced.has(name)),
    );
    return trial;
  }

  #compare(model: Model, names: readonly string[]): Promise<ReadonlyMap<string, Likeness>> {
    return compare(this.trials.float, model, {
      names,
      samples: this.#comparison,
      onRun: (done, total) => this.job.measure('compare', done, total),
    });
  }

  #fits(likenesses: ReadonlyMap<string, Likeness>): boolean {
    const { minCosine = MIN_COSINE, minSqnr = -Infinity } = this.calibration;
    return this.outputs.every((name) => {
      const { cosine, sqnr } = likenesses.get(name)!;
      return cosine >= minCosine && sqnr >= minSqnr;
    });
  }

  async #byNoise(layers: readonly string[]): Promise<(readonly [string, number])[]> {
    const branches = await this.trials.branches(layers);
    const found: (readonly [string, number])[] = [];
    for (let count = FIRST_BRANCHES; found.length < layers.length;) {
      const start = found.length;
      const portion = branches.slice(start, start + count);
      const { sqnr, bytes } = await measureBranches(new Model(this.trials.bytes), portion, {
        names: this.outputs,
        samples: this.#comparison.slice(0, SINGLE_SAMPLES),
        onRun: (done, total) =>
          this.job.measure('single layers', start + (done / total) * portion.length, layers.length),
      });
      found.push(...portion.map(({ layer }, i) => [layer, sqnr[i]!] as const));
      count = Math.min(MOST_BRANCHES, nextCount(portion.length, bytes));
    }
    return found.sort(([, a], [, b]) => a - b);
  }
}

const namesOf = (layers: Iterable<readonly [name: string, sqnr: number]>): Set<string> =>
  new Set([...layers].map(([name]) => name));
