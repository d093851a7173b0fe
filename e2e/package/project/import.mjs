import { readFileSync } from 'node:fs';
import * as sardonyx from 'sardonyx';
import * as ort from 'sardonyx/ort';
import { recognise } from './recognise.js';

const glyphs = new URL('public/glyphs/', import.meta.url);
const found = await recognise(sardonyx, new URL('glyphs.sardonyx.json', glyphs));
const session = await ort.InferenceSession.create(
  readFileSync(new URL('glyphs_fp32.onnx', glyphs)),
);
console.log(JSON.stringify({ ...found, ort: session.inputNames }));
await session.release();
