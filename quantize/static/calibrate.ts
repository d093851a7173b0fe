// The ranges of tensors over the calibration samples.
import type { Model } from '../model.js';
import { EntropyObserver } from '../ranges/entropy.js';
import { MinMaxObserver } from '../ranges/min_max.js';
import type { Observer, Range } from '../ranges/observer.js';
import { PercentileObserver } from '../ranges/percentile.js';
import type { CalibrationMethod } from './methods.js';
import { tap, type TapOptions } from './taps.js';

const OBSERVERS: Readonly<Record<CalibrationMethod, new (name: string) => Observer>> = {
  minmax: MinMaxObserver,
  percentile: PercentileObserver,
  entropy: EntropyObserver,
};

export async function calibrate(
  model: Model,
  method: CalibrationMethod,
  options: TapOptions,
): Promise<Map<string, Range>> {
  const ranges = new Map<string, Range>();
  const observers = new Map<string, Observer>();
  for (const name of options.names) observers.set(name, new OBSERVERS[method](name));
  await tap([model], options, (name, [values]) => observers.get(name)!.observe(values!));
  for (const [name, observer] of observers) ranges.set(name, observer.range());
  return ranges;
}
