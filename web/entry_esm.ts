import './assets_esm.js';
export * from './index.js';
