// The classic script: its files lie beside it.
import { assetsBeside, setDefaultAssets } from './assets.js';

const script = typeof document === 'object' ? document.currentScript : null;
const url = script && 'src' in script ? script.src : globalThis.location.href;
setDefaultAssets(assetsBeside(url));

export * from './index.js';
