// Engines in turns, A B then B A, each visit in fresh pages of one browser.
import { chromium } from '@playwright/test';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
// Without Playwright's handler a signal ends the bench, and the browser with it.
const OPTIONS = { executablePath, handleSIGTERM: false };
const FLAGS = ['--no-sandbox'];
const LONGEST_VISIT_MS = 240_000;

export const launch = (args = []) => chromium.launch({ ...OPTIONS, args: [...FLAGS, ...args] });

/** A browser with the profile in this folder. */
export const launchProfile = (folder) =>
  chromium.launchPersistentContext(folder, { ...OPTIONS, args: FLAGS });

/** A browser that is started again when it is gone: `current()` gives the one to use. */
export class LastingBrowser {
  #browser;

  async current() {
    if (!this.#browser?.isConnected()) this.#browser = await launch();
    return this.#browser;
  }

  async close() {
    await this.#browser?.close();
  }
}

/** A browser context with empty caches, for `use(context)`. */
export async function freshContext(browser, use) {
  const context = await browser.newContext();
  try {
    return await use(context);
  } finally {
    await context.close();
  }
}

/** What the page gives, if it does so in time: an engine that hangs must not stop the bench. */
async function inTime(promise) {
  let timer;
  const late = new Promise((_, reject) => {
    const message = `no result after ${LONGEST_VISIT_MS / 1000} s`;
    timer = setTimeout(() => reject(new Error(message)), LONGEST_VISIT_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Opens visit.html and waits for what it measures. */
export async function openVisit(page, base, options) {
  const query = new URLSearchParams({ options: JSON.stringify(options) });
  await page.goto(`${base}visit.html?${query}`);
  return inTime(page.evaluate(() => globalThis.visited));
}

/** The same in a new page, which is closed after `idleMs`. */
export async function visit(context, base, { idleMs = 0, ...options }) {
  const page = await context.newPage();
  const result = await openVisit(page, base, options);
  await page.waitForTimeout(idleMs);
  await page.close();
  return result;
}

/** Calls a function that a module of bench/page exports, in a fresh page. */
export const callInPage = (browser, base, module, name, options) =>
  freshContext(browser, async (context) => {
    const page = await context.newPage();
    await page.goto(base);
    const call = async ([module, name, options]) => {
      const exported = await import(module);
      return exported[name](options);
    };
    return inTime(page.evaluate(call, [module, name, options]));
  });

/** `visit(engine)` for each engine, `rounds` times, in turns; gives a list of {engine: result}. */
export async function inTurns(engines, rounds, visit) {
  const seen = [];
  for (let round = 0; round < rounds; round++) {
    const results = {};
    for (const engine of round % 2 ? [...engines].reverse() : engines) {
      results[engine] = await visit(engine);
    }
    seen.push(results);
  }
  return seen;
}
