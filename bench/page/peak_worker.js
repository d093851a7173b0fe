import { readForAWhile } from './peak.js';

self.onmessage = async ({ data }) => self.postMessage(await readForAWhile(data));
