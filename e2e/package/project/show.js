// What the page finds, or why it does not, is in its title as JSON.
import { recognise } from './recognise.js';

/** Why a session that should run on the GPU does not, or nothing where it does. */
async function withoutGpu({ load }) {
  const session = await load('/glyphs/glyphs_fp32.onnx', { force: { device: 'webgpu' } });
  const { device, why } = await session.explain();
  await session.dispose();
  return device === 'webgpu' ? [] : why;
}

async function find(sardonyx) {
  const found = await recognise(sardonyx, '/glyphs/glyphs.sardonyx.json');
  return { ...found, withoutGpu: await withoutGpu(sardonyx) };
}

export async function show(sardonyx) {
  const found = await find(sardonyx).catch((error) => ({ failure: String(error) }));
  document.title = JSON.stringify(found);
}
