// How far tensors of a quantized model are from those of the float model.
import { Agreement, type Likeness } from '../agreement.js';
import type { Model } from '../model.js';
import { tap, type TapOptions } from './taps.js';

export async function compare(
  float: Model,
  quantized: Model,
  options: TapOptions,
): Promise<Map<string, Likeness>> {
  const agreements = new Map(options.names.map((name) => [name, new Agreement()]));
  await tap([float, quantized], options, (name, [reference, tensor]) =>
    agreements.get(name)!.add(reference!, tensor!),
  );
  return new Map([...agreements].map(([name, { likeness }]) => [name, likeness]));
}

/** Compares outputs with those of one model, which runs once. */
export class Reference {
  readonly #tensors = new Map<string, Float32Array[]>();
  private constructor(readonly options: TapOptions) {}

  static async of(float: Model, options: TapOptions): Promise<Reference> {
    const reference = new Reference(options);
    const tensors = reference.#tensors;
    for (const name of options.names) tensors.set(name, []);
    await tap([float], options, (name, [values]) => tensors.get(name)!.push(values!));
    return reference;
  }

  /** The worst SQNR of them in dB. */
  async sqnr(model: Model): Promise<number> {
    const pairs = [...this.#tensors].map(
      ([name, tensors]) => [name, { rest: tensors.values(), agreement: new Agreement() }] as const,
    );
    const found = new Map(pairs);
    await tap([model], this.options, (name, [values]) => {
      const { rest, agreement } = found.get(name)!;
      agreement.add(rest.next().value!, values!);
    });
    return Math.min(...pairs.map(([, { agreement }]) => agreement.likeness.sqnr));
  }
}
