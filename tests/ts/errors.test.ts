import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERRORS } from '../../worker/errors.generated.js';
import { Failure } from '../../worker/failure.js';
import { SardonyxError, toSardonyxError } from '../../web/errors.js';

interface Generator {
  readonly parseErrors: (
    text: string,
  ) => { code: string; number: number; scope: string; remedy: string }[];
  readonly generate: () => Promise<Record<string, string>>;
}
const script = '../../tools/generate_errors.mjs';
const { parseErrors, generate } = (await import(script)) as Generator;

describe('tools/generate_errors.mjs', () => {
  it('reads codes, numbers, scopes and remedies', () => {
    const [error] = parseErrors('// text\nSX_ERROR(A_B, 7, model, "Say \\"so\\".")\n');
    expect(error).toEqual({ code: 'A_B', number: 7, scope: 'model', remedy: 'Say "so".' });
  });

  it.each([
    ['a scope that is none', 'SX_ERROR(A, 1, nobody, "x")'],
    ['a number used twice', 'SX_ERROR(A, 1, model, "x")\nSX_ERROR(B, 1, model, "x")'],
    ['a code used twice', 'SX_ERROR(A, 1, model, "x")\nSX_ERROR(A, 2, model, "x")'],
    ['a line it can not read', 'SX_ERROR(A, one, model, "x")'],
  ])('refuses %s', (_, text) => {
    expect(() => parseErrors(text)).toThrow('errors.def');
  });

  it('wrote the files that are in the repository', async () => {
    for (const [file, text] of Object.entries(await generate())) {
      expect(readFileSync(file, 'utf8'), `type: node ${script.slice(6)}`).toBe(text);
    }
  });
});

describe('SardonyxError', () => {
  it('has scope and remedy of its code', () => {
    const error = new SardonyxError('INPUT_SHAPE', 'wrong', { tensor: 'x' });
    expect(error).toMatchObject({
      name: 'SardonyxError',
      code: 'INPUT_SHAPE',
      scope: 'caller',
      where: { tensor: 'x' },
      remedy: ERRORS.INPUT_SHAPE[2],
    });
    expect(error).toBeInstanceOf(Error);
  });

  it('is made of failures, and of anything else as a trap', () => {
    const failure = new Failure('MODEL_EMPTY', 'empty', { url: 'u' });
    expect(toSardonyxError(failure)).toMatchObject({ code: 'MODEL_EMPTY', where: { url: 'u' } });
    const trap = toSardonyxError(new WebAssembly.RuntimeError('unreachable'));
    expect(trap.code).toBe('ENGINE_TRAP');
    expect(trap.message).toContain('unreachable');
    expect(toSardonyxError(trap)).toBe(trap);
  });
});
