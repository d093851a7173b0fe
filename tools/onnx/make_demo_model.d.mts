export function demoModel(): Uint8Array;
