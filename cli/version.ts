// Set by tools/bundle.mjs from package.json.
declare const SARDONYX_VERSION: string;

export const VERSION = SARDONYX_VERSION;
