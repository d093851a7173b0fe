// The list of tests that are known to fail, each with its reason. It only shrinks.
import { readFileSync, writeFileSync } from 'node:fs';
import { format } from 'prettier';
import { knownFile } from './paths.mjs';

/** Map of test → reason. */
export function readKnown() {
  const known = new Map();
  for (const { reason, tests } of JSON.parse(readFileSync(knownFile, 'utf8'))) {
    for (const test of tests) known.set(test, reason);
  }
  return known;
}

/** Lines that say what is wrong with results (Map of test → failure) of one build, or nothing. */
export function compare(results, known) {
  const lines = [];
  for (const [test, failure] of results) {
    if (failure !== '' && !known.has(test)) lines.push(`${test} fails: ${failure}`);
    if (failure.startsWith('CRASH')) lines.push(`${test} crashed: ${failure}`);
  }
  return lines;
}

/** Entries of the list that no build needs. */
export const unneeded = (builds, known) =>
  [...known.keys()].filter((test) => builds.every((results) => !results.get(test)));

/** Takes tests off the list, in the file and in `known`. */
export async function strike(tests, known) {
  for (const test of tests) known.delete(test);
  const list = JSON.parse(readFileSync(knownFile, 'utf8'))
    .map(({ reason, tests }) => ({ reason, tests: tests.filter((test) => known.has(test)) }))
    .filter(({ tests }) => tests.length > 0);
  writeFileSync(knownFile, await format(JSON.stringify(list), { parser: 'json', printWidth: 100 }));
}
