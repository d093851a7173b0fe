// Engines in turns, A B then B A, each visit in a fresh page of one browser.
import { chromium } from '@playwright/test';

export const launch = (args = []) =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', ...args],
  });

/** Opens a page with an empty cache and calls `use(page)`. */
export async function freshPage(browser, url, use) {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.goto(url);
    return await use(page);
  } finally {
    await context.close();
  }
}

/** Calls a function that a module of the bench's page exports. */
export const callInPage = (page, module, name, options) =>
  page.evaluate(
    async ([module, name, options]) => {
      const exported = await import(module);
      return exported[name](options);
    },
    [module, name, options],
  );

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
