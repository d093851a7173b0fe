// Models that write, one token per run.
import type { Session, Tensor } from '../../web/index';
import { numbers } from './measures';

/** Greedy decoding with the cache fed back; the tokens after the prompt. */
export async function decodeGreedily(
  session: Session,
  prompt: readonly number[],
  count: number,
): Promise<number[]> {
  const { Tensor } = window.sardonyx;
  const int64 = (values: readonly number[]): Tensor =>
    new Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);
  let cache: Record<string, Tensor> = Object.fromEntries(
    session.inputs
      .filter(({ name }) => name.startsWith('past_key_values.'))
      .map(({ name, type, shape }) => {
        const data = type === 'float16' ? new Uint16Array(0) : new Float32Array(0);
        return [name, new Tensor(type, data, [1, Number(shape![1]), 0, Number(shape![3])])];
      }),
  );
  const hasPositions = session.inputs.some(({ name }) => name === 'position_ids');
  const tokens: number[] = [];
  let pending = [...prompt];
  let past = 0;
  while (tokens.length < count) {
    const total = past + pending.length;
    const results = await session.run({
      input_ids: int64(pending),
      attention_mask: int64(Array<number>(total).fill(1)),
      ...(hasPositions && { position_ids: int64(pending.map((_, i) => past + i)) }),
      ...cache,
    });
    const next = lastArgmax(results.logits);
    tokens.push(next);
    cache = Object.fromEntries(
      Object.keys(cache).map((name) => {
        const present = results[name.replace('past_key_values', 'present')];
        if (!present) throw new Error(`no cache output for ${name}`);
        return [name, present];
      }),
    );
    past = total;
    pending = [next];
  }
  return tokens;
}

function lastArgmax(logits: Tensor | undefined): number {
  if (!logits) throw new Error('no logits');
  const vocabulary = logits.shape.at(-1) ?? 0;
  const last = numbers(logits).slice(-vocabulary);
  return last.indexOf(Math.max(...last));
}

/**
 * A transducer: each run sees the letters, the phonemes so far and the letter that it is at, and
 * predicts a phoneme, or the blank, which goes on to the next letter. All predictions.
 */
export async function transduce(
  session: Session,
  letters: readonly number[],
  blank: number,
): Promise<number[]> {
  const { Tensor } = window.sardonyx;
  const int32 = (values: readonly number[], ...shape: number[]): Tensor =>
    new Tensor('int32', Int32Array.from(values), shape);
  const mostPhonemes = 48; // the blank in front among them
  const predictions: number[] = [];
  const phonemes = [blank];
  let at = 0;
  while (at < letters.length && phonemes.length < mostPhonemes) {
    const { pred } = await session.run({
      src: int32(letters, 1, letters.length),
      tgt: int32(phonemes, 1, phonemes.length),
      t: int32([at], 1),
    });
    if (!pred) throw new Error('no prediction');
    const predicted = Number(pred.data[0]);
    predictions.push(predicted);
    if (predicted === blank) at++;
    else phonemes.push(predicted);
  }
  return predictions;
}
