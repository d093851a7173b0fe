const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');
const sardonyx = require('sardonyx');
const ort = require('sardonyx/ort');
const { recognise } = require('./recognise.js');

const glyphs = join(__dirname, 'public/glyphs');

async function main() {
  const found = await recognise(sardonyx, pathToFileURL(join(glyphs, 'glyphs.sardonyx.json')));
  const session = await ort.InferenceSession.create(readFileSync(join(glyphs, 'glyphs_fp32.onnx')));
  console.log(JSON.stringify({ ...found, ort: session.inputNames }));
  await session.release();
}

main();
