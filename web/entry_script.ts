// The classic script: its files lie beside it.
import { assetsBeside, setDefaultAssets } from './assets.js';

const script = typeof document === 'object' ? document.currentScript : null;
if (script instanceof HTMLScriptElement && script.src) setDefaultAssets(assetsBeside(script.src));
else if (typeof location === 'object') setDefaultAssets(assetsBeside(location.href));

export * from './index.js';
