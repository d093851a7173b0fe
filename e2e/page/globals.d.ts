import type * as sardonyx from '../../web/index';
import type * as harness from './harness';

declare global {
  interface Window {
    sardonyx: typeof sardonyx;
    harness: typeof harness.harness;
  }
}
