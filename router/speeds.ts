// How fast routes are, relative to floats on the CPU: what was measured here, else a table.
import type { Precision } from '../manifest/parse.js';
import type { Device } from '../worker/protocol.js';
import { machineKey } from './machine_key.js';
import { readValue, writeValue } from './page_storage.js';

export interface Speeds {
  // Of integers on the CPU.
  readonly int8: number;
  readonly measured: boolean;
}

// Networks of convolutions are 1.1 to 1.3 times as fast in integers (docs/performance.md, "Variant"). The most of that
// is what a change for speed has to promise; one that does not help is taken back.
export const TABLE: Speeds = { int8: 1.3, measured: false };

// Time per run, relative to others. How fast a GPU is must be measured by running the model: integers
// on the CPU are worth a try when it is slow.
export function costOf(device: Device, precision: Precision, { int8 }: Speeds): number {
  const integers = precision === 'int8' || precision === 'int4';
  return device === 'cpu' && integers ? 1 / int8 : 1;
}

const KEY = 'sardonyx-speeds';
const WEEK_MS = 7 * 24 * 3600e3;

interface Stored {
  readonly machine: string;
  readonly int8: number;
  readonly until: number;
}

export function knownSpeeds(cores: number): Speeds {
  const { machine, int8, until } = (readValue(KEY) ?? {}) as Partial<Stored>;
  const counts = machine === machineKey(cores) && Number(until) > Date.now() && Number(int8) > 0;
  return counts ? { int8: Number(int8), measured: true } : TABLE;
}

export function rememberSpeed(int8: number, cores: number): void {
  writeValue(KEY, { machine: machineKey(cores), int8, until: Date.now() + WEEK_MS });
}

// After a failure: the machine may not be what it was.
export const forgetSpeeds = (): void => writeValue(KEY, null);
