// Sources, tensors and who owns them.
import type { Tensor, Value } from '../web/index';
import { expect, openPage, test } from './site';

const smallOutput = [1, 0, 1.5, 8];

test.beforeEach(async ({ page, site }) => {
  await openPage(page, site.isolated);
});

test('every kind of source gives the same session', async ({ page }) => {
  const found = await page.evaluate(async () => {
    const { load } = window.sardonyx;
    const { modelUrl, runSmall } = window.harness;
    const bytes = await (await fetch(modelUrl('small'))).arrayBuffer();
    const padded = new Uint8Array(bytes.byteLength + 14);
    padded.set(new Uint8Array(bytes), 7);
    const sources = {
      text: modelUrl('small'),
      url: new URL(modelUrl('small'), location.href),
      buffer: bytes,
      view: padded.subarray(7, 7 + bytes.byteLength),
      blob: new Blob([bytes]),
      file: new File([bytes], 'small.onnx'),
    };
    const outputs: Record<string, number[]> = {};
    for (const [name, source] of Object.entries(sources)) {
      const session = await load(source);
      outputs[name] = await runSmall(session);
      await session.dispose();
    }
    return { outputs, kept: bytes.byteLength > 0 && padded.byteLength > 0 };
  });
  expect(Object.keys(found.outputs)).toHaveLength(6);
  for (const output of Object.values(found.outputs)) expect(output).toEqual(smallOutput);
  expect(found.kept).toBe(true);
});

test('strings and a sequence of tensors go in and come out', async ({ page }) => {
  const found = await page.evaluate(async () => {
    const { load, Tensor } = window.sardonyx;
    const session = await load(window.harness.modelUrl('strings-and-sequences'));
    const floats = (...values: number[]) =>
      new Tensor('float32', Float32Array.from(values), [values.length]);
    const { doubled, longer } = await session.run<Value>({
      words: new Tensor('string', ['a', '', 'größe 😀'], [3]),
      parts: [floats(1, 2), floats(3)],
    });
    const kinds = session.inputs.map(({ kind }) => kind);
    await session.dispose();
    return {
      kinds,
      doubled: (doubled as Tensor<string[]>).data,
      longer: (longer as readonly Tensor[]).map(({ data }) => Array.from(data as Float32Array)),
    };
  });
  expect(found).toEqual({
    kinds: ['tensor', 'sequence'],
    doubled: ['aa', '', 'größe 😀größe 😀'],
    longer: [[1, 2], [3], [1, 2, 3]],
  });
});

test('inputs and outputs are described by name, dtype and shape', async ({ page }) => {
  const found = await page.evaluate(async () => {
    const session = await window.sardonyx.load(window.harness.modelUrl('all-of-a-kind'));
    const { Tensor } = window.sardonyx;
    const results = await session.run({
      n: new Tensor('int64', BigInt64Array.of(1n, -(2n ** 62n) + 1n, 3n), [3]),
      b: new Tensor('bool', Uint8Array.of(1, 0, 1), [3]),
    });
    return {
      inputs: session.inputs,
      outputs: session.outputs,
      m: Array.from(results.m?.data as BigInt64Array, String),
      c: Array.from(results.c?.data as Uint8Array),
      types: [results.m?.type, results.c?.type],
    };
  });
  expect(found.inputs).toMatchObject([
    { name: 'n', type: 'int64', shape: ['count'] },
    { name: 'b', type: 'bool', shape: ['count'] },
  ]);
  expect(found.outputs).toMatchObject([
    { name: 'm', type: 'int64' },
    { name: 'c', type: 'bool' },
  ]);
  expect(found.m).toEqual(['2', String(-(2n ** 63n) + 2n), '6']);
  expect(found.c).toEqual([1, 0, 1]);
  expect(found.types).toEqual(['int64', 'bool']);
});

test('inputs stay usable; outputs are ordinary buffers of their own', async ({ page }) => {
  const found = await page.evaluate(async () => {
    const { modelUrl, vector } = window.harness;
    const session = await window.sardonyx.load(modelUrl('two-outputs'));
    const x = vector(1, -1, 0.5, 2);
    const first = await session.run({ x });
    const second = await session.run({ x });
    const [a, b] = [first.y?.data as Float32Array, second.y?.data as Float32Array];
    b.fill(7);
    const picked = await session.run({ x }, { outputs: ['product'] });
    return {
      input: Array.from(x.data as Float32Array),
      first: Array.from(a),
      plain: a.buffer instanceof ArrayBuffer && !(a.buffer instanceof SharedArrayBuffer),
      tight: a.byteLength === a.buffer.byteLength,
      digest: (await crypto.subtle.digest('SHA-256', a as BufferSource)).byteLength,
      picked: Object.keys(picked),
      product: Array.from(picked.product?.data as Float32Array),
    };
  });
  expect(found).toEqual({
    input: [1, -1, 0.5, 2],
    first: smallOutput,
    plain: true,
    tight: true,
    digest: 32,
    picked: ['product'],
    product: [1, -2, 1.5, 8],
  });
});

test('transfer detaches the input only when asked', async ({ page }) => {
  const lengths = await page.evaluate(async () => {
    const { modelUrl, vector } = window.harness;
    const session = await window.sardonyx.load(modelUrl('small'));
    const [kept, given] = [vector(1, 2, 3, 4), vector(1, 2, 3, 4)];
    const { y } = await session.run({ x: kept });
    await session.run({ x: given }, { transfer: true });
    return [(kept.data as Float32Array).length, (y?.data as Float32Array).length];
  });
  expect(lengths).toEqual([4, 4]);
});

test('allocate is filled in place and is stale after dispose', async ({ page }) => {
  const found = await page.evaluate(async () => {
    const { failureOf, modelUrl } = window.harness;
    const session = await window.sardonyx.load(modelUrl('small'));
    const x = session.allocate('x', [1, 4]);
    const outputs = [];
    for (const factor of [1, 2]) {
      (x.data as Float32Array).set([1, -1, 0.5, 2].map((v) => v * factor));
      const { y } = await session.run({ x });
      outputs.push(Array.from(y?.data as Float32Array));
    }
    await session.dispose();
    const failure = await failureOf(Promise.resolve().then(() => x.data));
    return { outputs, code: failure?.code };
  });
  expect(found.outputs).toEqual([smallOutput, smallOutput.map((v) => 2 * v)]);
  expect(found.code).toBe('TENSOR_STALE');
});

test('progress grows to the size of the download', async ({ page }) => {
  const found = await page.evaluate(async () => {
    const seen: { phase: string; loaded: number; total?: number }[] = [];
    const session = await window.sardonyx.load(window.harness.modelUrl('one-long-step'), {
      onProgress: (progress) => seen.push({ ...progress }),
    });
    await session.dispose();
    return seen;
  });
  const downloads = found.filter(({ phase }) => phase === 'download').map(({ loaded }) => loaded);
  expect(downloads.length).toBeGreaterThan(1);
  expect(downloads).toEqual([...downloads].sort((a, b) => a - b));
  expect(downloads.at(-1)).toBeGreaterThan(2048 * 2048 * 4);
});

test('external data comes from the map the caller gives', async ({ page }) => {
  const output = await page.evaluate(async () => {
    const weights = Float32Array.of(9, 9, 9, 9, 1, 2, 3, 4);
    const session = await window.sardonyx.load(window.harness.modelUrl('external'), {
      externalData: { 'weights.bin': new Blob([weights]) },
    });
    return window.harness.runSmall(session);
  });
  expect(output).toEqual(smallOutput);
});

test('a weight among the inputs is a constant, or an input with a default', async ({ page }) => {
  const found = await page.evaluate(async () => {
    const { failureOf, modelUrl, runSmall } = window.harness;
    const { load, Tensor } = window.sardonyx;
    const url = modelUrl('fed-weight');
    const fixed = await load(url);
    const session = await load(url, { fedWeights: ['w'] });
    const x = new Tensor('float32', Float32Array.of(1, 1, 1, 1), [1, 4]);
    const w = new Tensor('float32', Float32Array.of(-1, 7, 8, 9), [4]);
    const { y } = await session.run({ x, w });
    return {
      names: [fixed, session].map(({ inputs }) => inputs.map(({ name }) => name)),
      defaults: [await runSmall(fixed), await runSmall(session)],
      fed: Array.from(y!.data as Float32Array),
      unknown: (await failureOf(load(url, { fedWeights: ['x'] })))?.code,
    };
  });
  expect(found).toEqual({
    names: [['x'], ['x', 'w']],
    defaults: [smallOutput, smallOutput],
    fed: [0, 7, 8, 9],
    unknown: 'INVALID_ARGUMENT',
  });
});

test('several sessions live side by side', async ({ page }) => {
  const outputs = await page.evaluate(async () => {
    const { load } = window.sardonyx;
    const { modelUrl, runSmall } = window.harness;
    const sessions = await Promise.all([1, 2, 3].map(() => load(modelUrl('small'))));
    const outputs = await Promise.all(sessions.flatMap((s) => [runSmall(s), runSmall(s)]));
    await Promise.all(sessions.map((s) => s.dispose()));
    return outputs;
  });
  expect(outputs).toHaveLength(6);
  for (const output of outputs) expect(output).toEqual(smallOutput);
});
