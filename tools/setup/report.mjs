// What setup tells the person who waits: one line per step, and one line when it cannot go on.
const HEARTBEAT_MS = 10_000;
const start = Date.now();

const seconds = (since) => `${((Date.now() - since) / 1000).toFixed(0)} s`;

/** A failure whose message already says what is missing and what to type. */
export class SetupError extends Error {}

export function say(text) {
  console.log(`[setup ${seconds(start)}] ${text}`);
}

/** Runs one step, with a line before it, one every ten seconds while it lasts, and one after it. */
export async function step(title, work) {
  const began = Date.now();
  say(title);
  const heartbeat = setInterval(() => say(`... still working, ${seconds(began)}`), HEARTBEAT_MS);
  try {
    const result = await work();
    say(`... done in ${seconds(began)}`);
    return result;
  } finally {
    clearInterval(heartbeat);
  }
}
