import { describe, expect, it } from 'vitest';
import type { ValueInfo } from '../../worker/protocol.js';
import { checkFeeds, checkOutputs, type Feeds } from '../../web/feeds.js';
import { Tensor } from '../../web/tensor.js';

const value = (name: string, shape: ValueInfo['shape'], optional = false): ValueInfo => ({
  name,
  kind: 'tensor',
  type: 'float32',
  shape,
  optional,
});
const inputs = [value('image', [1, 'height', null]), value('scale', [], true)];
const floats = (...shape: number[]) =>
  new Tensor('float32', new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);

const check = (feeds: unknown) => () => checkFeeds(inputs, feeds as Feeds, false);
const failure = (code: string, text = '') =>
  expect.objectContaining({ code, message: expect.stringContaining(text) as string }) as Error;

describe('checkFeeds', () => {
  it('gives feeds in the order of the inputs, without copies', () => {
    const [scale, image] = [floats(), floats(1, 4, 5)];
    const feeds = checkFeeds(inputs, { scale, image }, false);
    expect(feeds.map(({ input }) => input)).toEqual([0, 1]);
    expect(feeds[0]!.data).toBe(image.data);
  });

  it('lets optional inputs out', () => {
    expect(checkFeeds(inputs, { image: floats(1, 1, 1) }, false)).toHaveLength(1);
  });

  it('takes any shape where the model declares none', () => {
    const open = [value('x', null)];
    for (const x of [floats(), floats(2), floats(1, 2, 3)]) {
      expect(checkFeeds(open, { x }, false)).toHaveLength(1);
    }
  });

  it.each([
    ['a missing input', {}, 'INPUT_MISSING', 'image'],
    ['an unknown name', { image: floats(1, 1, 1), extra: floats() }, 'INPUT_UNKNOWN', 'extra'],
    ['a wrong fixed dim', { image: floats(2, 1, 1) }, 'INPUT_SHAPE', '[1, height, ?]'],
    ['a wrong rank', { image: floats(1, 1) }, 'INPUT_SHAPE', '[1, 1]'],
    [
      'a wrong dtype',
      { image: new Tensor('int32', new Int32Array(1), [1, 1, 1]) },
      'INPUT_DTYPE',
      'int32',
    ],
    ['something else than a tensor', { image: new Float32Array(1) }, 'INVALID_ARGUMENT', 'image'],
    ['no object', null, 'INVALID_ARGUMENT', 'feeds'],
  ])('refuses %s', (_, feeds, code, text) => {
    expect(check(feeds)).toThrow(failure(code, text));
  });

  it('refuses disposed tensors and detached buffers', () => {
    const disposed = floats(1, 1, 1);
    disposed.dispose();
    expect(check({ image: disposed })).toThrow(failure('TENSOR_DISPOSED'));
    const detached = floats(1, 1, 1);
    structuredClone(detached.data.buffer, { transfer: [detached.data.buffer] });
    expect(check({ image: detached })).toThrow(failure('INPUT_SIZE', 'detached'));
  });
});

describe('checkOutputs', () => {
  const outputs = [value('boxes', [null]), value('scores', [null])];

  it('finds names, the keys of an object, or all', () => {
    expect(checkOutputs(outputs, undefined)).toEqual([0, 1]);
    expect(checkOutputs(outputs, ['scores'])).toEqual([1]);
    expect(checkOutputs(outputs, { scores: floats(1), boxes: floats(1) })).toEqual([1, 0]);
  });

  it('refuses unknown names', () => {
    expect(() => checkOutputs(outputs, ['labels'])).toThrow(failure('OUTPUT_UNKNOWN', 'labels'));
  });
});
