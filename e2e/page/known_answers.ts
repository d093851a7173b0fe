// A model by its manifest, against the manifest's known answers.
import type { Manifest, Precision, RouteFilter, Session, Tensor } from '../../web/index';

interface Encoded {
  readonly shape: readonly number[];
  readonly base64: string;
}

export interface Answered {
  readonly title: string;
  /** The label with the highest probability. */
  readonly label: string;
  /** Largest |a − b|. */
  readonly difference: number;
  readonly tolerance: number;
}

function decode({ shape, base64 }: Encoded): Tensor {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return new window.sardonyx.Tensor('float32', new Float32Array(bytes.buffer), [...shape]);
}

const decodeAll = (encoded: Readonly<Record<string, Encoded>>): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(encoded).map(([name, value]) => [name, decode(value)]));

export interface Chosen {
  readonly variant: string;
  readonly device: string;
  readonly answers: readonly Answered[];
}

/** Every known answer of the manifest at `url`, by its best variant or a forced one. */
export async function runKnownAnswers(url: string, force?: RouteFilter): Promise<Chosen> {
  const session = await window.sardonyx.load(url, force && { force });
  const { variant, device } = session.route;
  if (!session.manifest || !variant) throw new Error(`${url} is not a manifest`);
  const answers = await answerAll(session, session.manifest, variant);
  await session.dispose();
  return { variant, device, answers };
}

/** Every known answer, by a session of that variant. */
export async function answerAll(
  session: Pick<Session, 'run'>,
  { labels, knownAnswers = [] }: Manifest,
  variant: string,
): Promise<Answered[]> {
  const answered = [];
  for (const { title, inputs, outputs, tolerance } of knownAnswers) {
    const results = await session.run(decodeAll(inputs));
    for (const [output, wanted] of Object.entries(decodeAll(outputs))) {
      const got = results[output]?.data as Float32Array;
      answered.push({
        title,
        label: labels?.[got.indexOf(Math.max(...got))] ?? '',
        difference: largestDifference(got, wanted.data as Float32Array),
        tolerance:
          typeof tolerance === 'number' ? tolerance : (tolerance[variant as Precision] ?? 0),
      });
    }
  }
  return answered;
}

function largestDifference(got: Float32Array, wanted: Float32Array): number {
  if (got.length !== wanted.length) throw new Error(`${got.length} values, not ${wanted.length}`);
  return got.reduce((most, value, i) => {
    const difference = Math.abs(value - (wanted[i] ?? NaN));
    // NaN must not pass as small.
    return difference <= most ? most : difference;
  }, 0);
}
