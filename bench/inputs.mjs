// Reference inputs of ../shared/golden as raw elements, for pages of the bench.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readTensor } from '../tools/onnx/tensor.mjs';
import { root } from '../tools/setup/paths.mjs';

const shared = join(root, '../shared');
export const haveShared = existsSync(join(shared, 'golden'));
export const sharedModels = join(shared, 'models');

/** The inputs of one model: a real example where there is one, else seeded noise. */
export function inputsOf(model) {
  const folder = ['test_data_set_1', 'test_data_set_0']
    .map((set) => join(shared, 'golden', model, set))
    .find((path) => existsSync(path));
  if (!folder) throw new Error(`there is no golden input for ${model}`);
  const { inputs } = JSON.parse(readFileSync(join(folder, 'info.json'), 'utf8'));
  return inputs.map(({ name, file }) => {
    const { dtype, dims, data } = readTensor(join(folder, file));
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return { name, dtype, dims, bytes };
  });
}

/** A server mount: /inputs/<model> lists the inputs, /inputs/<model>/<n> has the elements. */
export function answerInputs({ path }) {
  const [, , model, index] = path.split('/');
  const inputs = inputsOf(model);
  if (index !== undefined)
    return { body: inputs[Number(index)].bytes, type: 'application/octet-stream' };
  const list = inputs.map(({ name, dtype, dims }) => ({ name, dtype, dims }));
  return { body: JSON.stringify(list), type: 'application/json' };
}
