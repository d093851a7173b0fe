// The models of the bench, each with its URL on the bench's server, its inputs and its class.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { goldenInputs, seededInputs, shared } from './inputs.mjs';
import { readModelFile } from './model_file.mjs';
import { TWINS, ensureTwin, twinsFolder } from './twins/index.mjs';

const GEMM_TWINS = new Set(['minilm_l6', 'vit_tiny', 'whisper_tiny_encoder']);

const modelsFolder = join(shared, 'models');
const lightFolder = join(shared, 'onnx-node/light');

const onnxFiles = (folder) =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.onnx'))
        .map((name) => name.slice(0, -'.onnx'.length))
        .sort()
    : [];

/**
 * A case: {key, name, group, precision, gemmOnly, path, url, bytes, inputs()}. `group` is 'model', 'light', 'twin' or
 * 'file', `precision` 'fp32', 'fp16' or 'quantized'.
 */
function fileCase(group, path, url, key = undefined) {
  const { inputs, precision } = readModelFile(path);
  const name = basename(path, '.onnx');
  return {
    key: key ?? `${group}-${name}`,
    name,
    group,
    precision,
    gemmOnly: false,
    path,
    url,
    bytes: statSync(path).size,
    inputs: () => (group === 'model' && goldenInputs(name)) || seededInputs(inputs),
  };
}

function twinCase(name) {
  const { path, inputs } = ensureTwin(name);
  return {
    key: `twin-${name}`,
    name,
    group: 'twin',
    precision: 'fp32',
    gemmOnly: GEMM_TWINS.has(name),
    path,
    url: `/twins/${name}.onnx`,
    bytes: statSync(path).size,
    inputs: () => seededInputs(inputs),
  };
}

const modelCases = () =>
  onnxFiles(modelsFolder).map((name) =>
    fileCase('model', join(modelsFolder, `${name}.onnx`), `/models/${name}.onnx`),
  );

const lightCases = () =>
  onnxFiles(lightFolder).map((name) =>
    fileCase('light', join(lightFolder, `${name}.onnx`), `/light/${name}.onnx`),
  );

const twinCases = () => TWINS.map(twinCase);

/** Files that the caller names; others of the same folder, external data say, are served beside them. */
const givenCases = (paths) =>
  paths.map((path, i) =>
    fileCase(
      'file',
      resolve(path),
      `/files/${i}/${encodeURIComponent(basename(path))}`,
      `file-${i}`,
    ),
  );

export const caseMounts = (paths = []) => [
  ...paths.map((path, i) => [`/files/${i}/`, dirname(resolve(path))]),
  ['/models/', modelsFolder],
  ['/light/', lightFolder],
  ['/twins/', twinsFolder],
];

/** A server mount: /inputs/<key> lists the inputs of a case, /inputs/<key>/<n> has the elements. */
export function inputsMount(cases) {
  const byKey = new Map(cases.map((each) => [each.key, each]));
  let last;
  return ({ path }) => {
    const [, , key, index] = path.split('/');
    if (!byKey.has(key)) return undefined;
    if (last?.key !== key) last = { key, inputs: byKey.get(key).inputs() };
    if (index !== undefined)
      return { body: last.inputs[Number(index)]?.bytes, type: 'application/octet-stream' };
    const list = last.inputs.map(({ name, dtype, dims }) => ({ name, dtype, dims }));
    return { body: JSON.stringify(list), type: 'application/json' };
  };
}

/** The cases that the command line asks for: `models` are names, `files` paths, of the parts that need models. */
export function chooseCases({ parts, models, files }) {
  const start = parts.some((part) => part === 'cold' || part === 'memory');
  const named = [];
  if (!files.length || models) {
    if (start || parts.includes('models')) named.push(...modelCases());
    if (parts.includes('models')) named.push(...lightCases());
    if (start || parts.includes('twins')) named.push(...twinCases());
  }
  const unknown = models?.find((name) => !named.some((each) => each.name === name));
  if (unknown) throw new Error(`there is no model ${unknown}`);
  return [...named.filter(({ name }) => !models || models.includes(name)), ...givenCases(files)];
}
