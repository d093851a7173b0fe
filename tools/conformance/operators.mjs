// What the operator lists of the engine say, and what the suite's results say about them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../setup/paths.mjs';

const read = (file) => readFileSync(join(root, file), 'utf8');
const fullName = (domain, name) => (domain === '' ? name : `${domain}.${name}`);

function entries(file, macro) {
  const line = new RegExp(`^${macro}\\("([^"]*)", "([^"]+)", \\w+, (\\d+), (\\w+),`, 'gm');
  return [...read(file).matchAll(line)].map(([, domain, name, since, until]) => ({
    domain,
    name: fullName(domain, name),
    since: Number(since),
    until: Number(until) || undefined,
  }));
}

function gpuNames() {
  const domains = { kOnnx: '', kMicrosoft: 'com.microsoft', kOwn: 'sardonyx' };
  const found = read('engine/gpu/operators.cc').matchAll(/^ {4}\{(k\w+), "(\w+)", lower_/gm);
  return new Set([...found].map(([, domain, name]) => fullName(domains[domain], name)));
}

/** {name, since, until, how: 'kernel' | 'function', gpu}, without those that only passes create. */
export function listedOperators() {
  const gpu = gpuNames();
  const merged = new Map();
  const add = (how) => (entry) => {
    if (entry.domain === 'sardonyx') return;
    const old = merged.get(entry.name);
    merged.set(entry.name, {
      name: entry.name,
      since: Math.min(entry.since, old?.since ?? Infinity),
      until: old && !old.until ? undefined : entry.until,
      how: old?.how ?? how,
      gpu: gpu.has(entry.name),
    });
  };
  entries('ops/operators.def', 'SX_OPERATOR').forEach(add('kernel'));
  entries('engine/functions/functions.def', 'SX_FUNCTION').forEach(add('function'));
  return [...merged.values()].sort((a, b) => a.name.localeCompare(b.name, 'en'));
}

/**
 * Totals and, per operator, how many tests name it and pass, with the element types of the passing
 * tests that are about it alone. `results` are CaseResults of one or several suites.
 */
export function summarize(results) {
  const operators = {};
  for (const { operators: names, dtypes, failure } of results) {
    for (const name of names) {
      const entry = (operators[name] ??= { passed: 0, tests: 0, dtypes: [] });
      entry.tests += 1;
      if (failure !== '') continue;
      entry.passed += 1;
      if (names.length === 1) entry.dtypes = [...new Set([...entry.dtypes, ...dtypes])].sort();
    }
  }
  return operators;
}
