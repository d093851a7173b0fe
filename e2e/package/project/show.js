// What the page finds, or why it does not, is in its title as JSON.
import { recognise } from './recognise.js';

async function recogniseServed(sardonyx) {
  const manifest = await (await fetch('/glyphs/glyphs.sardonyx.json')).json();
  return recognise(sardonyx, manifest, '/glyphs/glyphs_fp32.onnx');
}

export async function show(sardonyx) {
  const found = await recogniseServed(sardonyx).catch((error) => ({ failure: String(error) }));
  document.title = JSON.stringify(found);
}
