// Outputs on their way out of the engine's memory.
import { dtypeInfo, type DType } from './dtypes.js';
import type { WireTensor } from './protocol.js';

/** An output in the engine's memory, valid until the next call of the runner. */
export interface Result {
  readonly output: number;
  readonly type: DType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
  // Sequences and optionals are packed (packed.ts).
  readonly isTensor: boolean;
}

/** In an ordinary ArrayBuffer of its own. */
export function copyOf({ output, type, shape, bytes, isTensor }: Result): WireTensor {
  const copy = new Uint8Array(bytes);
  return { output, type, shape, data: isTensor ? new (dtypeInfo(type).array)(copy.buffer) : copy };
}
