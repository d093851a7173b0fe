import { readFileSync } from 'node:fs';
import * as sardonyx from 'sardonyx';
import * as ort from 'sardonyx/ort';
import { recognise } from './recognise.js';

const read = (file) => readFileSync(new URL(`public/glyphs/${file}`, import.meta.url));
const model = new Uint8Array(read('glyphs_fp32.onnx'));
const found = await recognise(sardonyx, JSON.parse(read('glyphs.sardonyx.json')), model);
const session = await ort.InferenceSession.create(model);
console.log(JSON.stringify({ found, inputs: session.inputNames }));
await session.release();
