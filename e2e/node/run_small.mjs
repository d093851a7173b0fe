// Runs the small model of e2e/models.ts in Node, from its URL and from bytes, through both entries.
import { argv, stdout } from 'node:process';
import * as sardonyx from '../../dist/index.mjs';
import * as ort from '../../dist/ort.mjs';

const url = argv[2];
const values = Float32Array.of(1, -1, 0.5, 2);
const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());

async function run(source) {
  const session = await sardonyx.load(source);
  const { y } = await session.run({ x: new sardonyx.Tensor('float32', values, [1, 4]) });
  await session.dispose();
  return Array.from(y.data);
}

async function runOrt() {
  const session = await ort.InferenceSession.create(bytes);
  const { y } = await session.run({ x: new ort.Tensor('float32', values, [1, 4]) });
  await session.release();
  return Array.from(y.data);
}

stdout.write(JSON.stringify({ url: await run(url), bytes: await run(bytes), ort: await runOrt() }));
