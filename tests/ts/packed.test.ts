import { describe, expect, it } from 'vitest';
import { Failure } from '../../worker/failure.js';
import { packBox, packStrings, unpackBox, unpackStrings } from '../../worker/packed.js';

function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (thrown) {
    return thrown instanceof Failure ? thrown.code : String(thrown);
  }
  return 'nothing thrown';
}

describe('packed strings', () => {
  it.each([
    [[]],
    [['']],
    [['a', '', 'größe', '日本', '😀', '\0', '\ufeffmark']],
    [['x'.repeat(70_000)]],
  ])('come back', (strings) => {
    expect(unpackStrings(packStrings(strings))).toEqual(strings);
  });

  it('are a size and UTF-8 each', () => {
    expect([...packStrings(['é'])]).toEqual([2, 0, 0, 0, 0xc3, 0xa9]);
  });

  it('refuse halves of characters', () => {
    expect(codeOf(() => packStrings(['a', '\ud83d']))).toBe('INPUT_DTYPE');
    expect(codeOf(() => packStrings(['\ude00\ud83d']))).toBe('INPUT_DTYPE');
  });

  it('refuse bytes that are cut or no text', () => {
    const bytes = packStrings(['one', 'two']);
    for (const cut of [1, 4, 6, 9, 13]) {
      expect(codeOf(() => unpackStrings(bytes.subarray(0, cut)))).toBe('INTERNAL');
    }
    expect(codeOf(() => unpackStrings(Uint8Array.of(1, 0, 0, 0, 0xff)))).toBe('DTYPE_UNSUPPORTED');
    expect(codeOf(() => unpackStrings(Uint8Array.of(255, 255, 255, 255)))).toBe('INTERNAL');
  });
});

describe('packed sequences', () => {
  it('come back with their tensors', () => {
    const tensors = [
      { type: 'float32', shape: [2, 1], data: Float32Array.of(1, -2) },
      { type: 'int64', shape: [], data: BigInt64Array.of(7n) },
      { type: 'string', shape: [1], data: packStrings(['words']) },
      { type: 'uint8', shape: [0, 3], data: new Uint8Array(0) },
    ] as const;
    expect(unpackBox(packBox(tensors))).toEqual(tensors);
    expect(unpackBox(packBox([]))).toEqual([]);
    expect(unpackBox(packBox(null))).toBeNull();
  });

  it('refuse bytes that are cut', () => {
    const bytes = packBox([{ type: 'float32', shape: [1], data: Float32Array.of(1) }]);
    for (let cut = 0; cut < bytes.length; cut++) {
      expect(codeOf(() => unpackBox(bytes.subarray(0, cut)))).toBe('INTERNAL');
    }
    expect(codeOf(() => unpackBox(Uint8Array.of(...bytes, 0)))).toBe('INTERNAL');
  });
});
