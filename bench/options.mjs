// The command line of the bench.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../tools/setup/paths.mjs';

export const PARTS = ['models', 'twins', 'kernels', 'calls', 'cold', 'memory'];
const ENGINES = ['sardonyx', 'onnxruntime'];

const list = (text) => text?.split(',').filter(Boolean);

function subset(name, text, allowed) {
  const chosen = list(text) ?? allowed;
  const wrong = chosen.find((each) => !allowed.includes(each));
  if (wrong) throw new Error(`--${name} knows ${allowed.join(', ')}, not ${wrong}`);
  return chosen;
}

function positive(name, text) {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) {
    throw new Error(`--${name} takes whole numbers from 1, not ${text}`);
  }
  return number;
}

/** Models, files or kernels that are named are all there is to measure. */
function implied({ models, files, kernels }) {
  const parts = [...(models || files ? ['models', 'twins'] : []), ...(kernels ? ['kernels'] : [])];
  return parts.length ? parts.join() : undefined;
}

export function readOptions(args = process.argv.slice(2)) {
  const { values } = parseArgs({
    args,
    options: {
      models: { type: 'string' },
      files: { type: 'string' },
      kernels: { type: 'string', default: '' },
      threads: { type: 'string', default: '1,2' },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      engines: { type: 'string' },
      module: { type: 'string' },
      dist: { type: 'string', default: 'dist' },
      json: { type: 'string', default: 'bench/report/figures.json' },
      write: { type: 'boolean', default: false },
      add: { type: 'boolean', default: false },
    },
  });
  const files = list(values.files)?.map((path) => resolve(path)) ?? [];
  const models = list(values.models);
  return {
    models,
    files,
    kernels: values.kernels,
    parts: subset('only', values.only ?? implied(values), PARTS),
    engines: subset('engines', values.engines, ENGINES),
    threads: list(values.threads).map((text) => positive('threads', text)),
    rounds: positive('rounds', values.rounds ?? (values.quick ? 3 : 7)),
    quick: values.quick,
    module: values.module,
    dist: resolve(root, values.dist),
    json: resolve(root, values.json),
    write: values.write,
    add: values.add,
  };
}
