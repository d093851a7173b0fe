// Runs the glyphs of the manifest's known answers; what each is, and what the model says.
const decode = (base64) =>
  new Float32Array(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer);

export async function recognise({ load, Tensor }, manifest, source) {
  const session = await load(source);
  const found = [];
  for (const { title, inputs } of manifest.knownAnswers) {
    const glyph = new Tensor('float32', decode(inputs.glyph.base64), [1, 1, 32, 32]);
    const { probabilities } = await session.run({ glyph });
    const best = probabilities.data.indexOf(Math.max(...probabilities.data));
    found.push({ title, label: manifest.labels[best] });
  }
  await session.dispose();
  return found;
}
