const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const sardonyx = require('sardonyx');
const ort = require('sardonyx/ort');
const { recognise } = require('./recognise.js');

const read = (file) => readFileSync(join(__dirname, 'public/glyphs', file));
const model = new Uint8Array(read('glyphs_fp32.onnx'));

async function main() {
  const found = await recognise(sardonyx, JSON.parse(read('glyphs.sardonyx.json')), model);
  const session = await ort.InferenceSession.create(model);
  console.log(JSON.stringify({ found, inputs: session.inputNames }));
  await session.release();
}

main();
