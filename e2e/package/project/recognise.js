// Runs the glyphs of the manifest's known answers: what each is, and what the model reads.
const decode = (base64) =>
  new Float32Array(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer);

export async function recognise({ load, Tensor }, url) {
  const session = await load(url);
  const { labels, knownAnswers } = session.manifest;
  const read = {};
  for (const { title, inputs } of knownAnswers) {
    const glyph = new Tensor('float32', decode(inputs.glyph.base64), [1, 1, 32, 32]);
    const { probabilities } = await session.run({ glyph });
    read[title] = labels[probabilities.data.indexOf(Math.max(...probabilities.data))];
  }
  const { variant } = session.route;
  await session.dispose();
  return { variant, read };
}
