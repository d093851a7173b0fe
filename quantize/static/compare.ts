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
