// How far tensors of a quantized model are from those of the float model.
import { Agreement, type Likeness } from '../agreement.js';
import type { Model } from '../model.js';
import { refuseNaN } from './samples.js';
import { tap, type TapOptions } from './taps.js';

/** VALUE_RANGE where the float model gives NaN, to which nothing is near. */
export async function compare(
  float: Model,
  quantized: Model,
  options: TapOptions,
): Promise<Map<string, Likeness>> {
  const agreements = new Map(options.names.map((name) => [name, new Agreement()]));
  await tap([float, quantized], options, (name, [reference, tensor]) => {
    const agreement = agreements.get(name)!;
    agreement.add(reference!, tensor!);
    if (Number.isNaN(agreement.likeness.maxDifference)) refuseNaN(name, reference!);
  });
  return new Map([...agreements].map(([name, { likeness }]) => [name, likeness]));
}
