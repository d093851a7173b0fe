// Quantizes copies of a float model, with more or fewer of its layers.
import type { Branch } from './branches.js';
import type { Job } from '../job.js';
import { Model, nodeName } from '../model.js';
import type { NodeProto } from '../onnx_pb.generated.js';
import { uint8Affine, type Affine } from '../ranges/affine.js';
import type { Range } from '../ranges/observer.js';
import { calibrate } from './calibrate.js';
import type { CalibrationMethod } from './methods.js';
import { chooseTensors, type TensorChoice } from './choose_tensors.js';
import { layerOf, type Layer } from './layers.js';
import type { Sample } from './samples.js';
import { writeQdq } from './write_qdq.js';

export interface Trial {
  readonly model: Model;
  readonly choice: TensorChoice;
  readonly layers: readonly Layer[];
  /** Of the weights of each layer, in dB. */
  readonly weightSqnr: ReadonlyMap<NodeProto, number>;
}

export class Trials {
  readonly #ranges = new Map<string, Range>();
  readonly float: Model;

  constructor(
    readonly bytes: Uint8Array,
    readonly job: Job,
    readonly samples: readonly Sample[],
    readonly method: CalibrationMethod,
  ) {
    this.float = new Model(bytes);
  }

  /** `model` is changed; `floats` names layers that stay. */
  async quantize(floats: ReadonlySet<string>, model = new Model(this.bytes)): Promise<Trial> {
    const { layers, choice } = this.#choose(model, floats);
    await this.#calibrate(choice.observed);
    const weightSqnr = writeQdq(model, layers, affinesOf(choice, this.#ranges));
    return { model, choice, layers, weightSqnr };
  }

  /** Each of the layers, by name, as the only one that is quantized. */
  async branches(layers: readonly string[]): Promise<Branch[]> {
    const all = new Set(layers);
    const choices = layers.map((layer) => {
      const others = new Set(all);
      others.delete(layer);
      return { layer, choice: this.#choose(this.float, others).choice };
    });
    await this.#calibrate(choices.flatMap(({ choice }) => choice.observed));
    return choices.map(({ layer, choice }) => ({
      layer,
      affines: affinesOf(choice, this.#ranges),
    }));
  }

  #choose(model: Model, floats: ReadonlySet<string>): { layers: Layer[]; choice: TensorChoice } {
    const isKept = (node: NodeProto) => this.job.isKept(node) || floats.has(nodeName(node));
    const layers = model.graph.node.flatMap((node) => {
      const layer = isKept(node) ? undefined : layerOf(model, node);
      return typeof layer === 'object' ? [layer] : [];
    });
    return { layers, choice: chooseTensors(model, layers, isKept) };
  }

  async #calibrate(observed: readonly string[]): Promise<void> {
    const names = [...new Set(observed)].filter((name) => !this.#ranges.has(name));
    const ranges = await calibrate(this.float, this.method, {
      names,
      samples: this.samples,
      onRun: (done, total) => this.job.measure('calibrate', done, total),
    });
    for (const [name, range] of ranges) this.#ranges.set(name, range);
  }
}

/** Tensors with one leader have one scale. */
function affinesOf(
  { chosen, observed }: TensorChoice,
  ranges: ReadonlyMap<string, Range>,
): Map<string, Affine> {
  const groups = new Map<string, Range>();
  for (const name of observed) {
    const range = ranges.get(name)!;
    const leader = chosen.get(name)!;
    const group = groups.get(leader) ?? range;
    const [min, max] = [Math.min(group.min, range.min), Math.max(group.max, range.max)];
    groups.set(leader, { min, max });
  }
  const affines = new Map([...groups].map(([leader, range]) => [leader, uint8Affine(range)]));
  return new Map([...chosen].map(([name, leader]) => [name, affines.get(leader)!]));
}
