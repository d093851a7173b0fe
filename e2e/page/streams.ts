// Models of sound with a state, against what the reference gives frame after frame.
import type { Session, Tensor } from '../../web/index';
import { fetchTensor } from './golden';
import { difference, type Difference } from './measures';

interface Stream {
  frame_input: string;
  steps: number;
  state_init_zero: Record<string, number[]>;
  state_map_out_to_in: Record<string, string>;
  const_inputs: Record<string, number>;
  outputs: string[];
}

/** Feeds frame after frame with the state fed back; compares every output of every step. */
export async function compareStream(session: Session, model: string): Promise<Difference[]> {
  const folder = `${model}/stream`;
  const stream = (await (await fetch(`/golden/${folder}/stream.json`)).json()) as Stream;
  const { Tensor } = window.sardonyx;
  const frames = await fetchTensor(`${folder}/frames.pb`);
  const wanted = new Map<string, Tensor>();
  for (const file of stream.outputs) {
    wanted.set(file.replace(/^seq_|\.pb$/g, ''), await fetchTensor(`${folder}/${file}`));
  }
  const feeds: Record<string, Tensor> = {};
  for (const [name, shape] of Object.entries(stream.state_init_zero)) {
    feeds[name] = new Tensor('float32', new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);
  }
  for (const [name, value] of Object.entries(stream.const_inputs)) {
    feeds[name] = new Tensor('int64', BigInt64Array.of(BigInt(value)), []);
  }
  const worst = new Map<string, Difference>();
  for (let step = 0; step < stream.steps; step++) {
    feeds[stream.frame_input] = slice(frames, step);
    const results = await session.run(feeds);
    for (const [name, all] of wanted) {
      const now = difference(name, results[name], slice(all, step));
      if (!(now.ratio <= (worst.get(name)?.ratio ?? 0))) worst.set(name, now);
    }
    for (const [from, to] of Object.entries(stream.state_map_out_to_in)) {
      const state = results[from];
      if (!state) throw new Error(`no state '${from}'`);
      feeds[to] = state;
    }
  }
  return [...worst.values()];
}

/** tensor[index] of a float32 tensor. */
function slice(tensor: Tensor, index: number): Tensor {
  const shape = tensor.shape.slice(1);
  const count = shape.reduce((a, b) => a * b, 1);
  const data = (tensor.data as Float32Array).slice(index * count, (index + 1) * count);
  return new window.sardonyx.Tensor('float32', data, shape);
}
