const url = (name: string): URL =>
  new URL(`models/${name}/${name}.sardonyx.json`, document.baseURI);

/** Manifests of the models that the page brings along. */
export const modelUrls = { glyphs: url('glyphs'), denoise: url('denoise') } as const;
