/** The panels do not compute at the same time, so each session may use every core. */
export const everyCore = { threads: Math.min(navigator.hardwareConcurrency, 8) };
