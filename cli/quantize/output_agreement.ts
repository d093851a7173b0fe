// How near the outputs of a model are to those of the one that it was made of.
import { Agreement, type Likeness } from '../../quantize/agreement.js';
import { load, SardonyxError, Tensor, type LoadOptions, type Session } from '../../web/index.js';
import { seededNumbers } from '../../web/demo/seeded_numbers.js';
import type { Arguments } from '../command.js';
import { feedsFor, forced, type Named } from '../run_request.js';
import { decoderOf } from '../statistics.js';

/** Of random feeds, so that a model has the same report each time. This one lets masks show the first few tokens. */
const SEED = 10;

export interface OutputAgreement extends Likeness {
  readonly name: string;
}

/** Why a model can not be run on the feeds that there are. */
export interface NotMeasured {
  readonly reason: string;
}

type Outputs = Awaited<ReturnType<typeof runOnce>>;

async function withSession<T>(
  model: Uint8Array,
  options: LoadOptions,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  // The engine takes the bytes that it is given: these stay.
  const session = await load(new Uint8Array(model), options);
  try {
    return await use(session);
  } finally {
    await session.dispose();
  }
}

const runOnce = async (session: Session, feeds: Named) =>
  new Map(Object.entries(await session.run(feeds)).filter(([, value]) => value instanceof Tensor));

/**
 * Runs both models. Errors of the float model's run are a reason not to measure; those of the other one reject, and so
 * do outputs that are not finite where they were.
 */
export async function compareOutputs(
  float: Uint8Array,
  quantized: Uint8Array,
  externalData: NonNullable<LoadOptions['externalData']>,
  given: Arguments,
): Promise<OutputAgreement[] | NotMeasured> {
  const force = forced(given);
  let feeds: Named = {};
  const expected = await withSession(float, { force, externalData }, async (session) => {
    ({ feeds } = await feedsFor(session.inputs, given, seededNumbers(SEED)));
    return runOnce(session, feeds).catch((thrown: unknown) => ({ reason: String(thrown) }));
  });
  const found = await withSession(quantized, { force }, async (session) =>
    expected instanceof Map ? runOnce(session, feeds) : undefined,
  );
  return expected instanceof Map && found ? agreements(expected, found) : (expected as NotMeasured);
}

function agreements(expected: Outputs, found: Outputs): OutputAgreement[] {
  return [...expected].map(([name, value]) => {
    const [reference, numbers] = [numbersOf(value), numbersOf(found.get(name))];
    if (!numbers.every(Number.isFinite) && reference.every(Number.isFinite)) {
      const message = `output ${name} of the quantized model has elements that are infinite or NaN`;
      throw new SardonyxError('VALUE_RANGE', message, { tensor: name });
    }
    const agreement = new Agreement();
    agreement.add(reference, numbers);
    return { name, ...agreement.likeness };
  });
}

function numbersOf(value: unknown): Float64Array {
  const decode = value instanceof Tensor ? decoderOf(value.type) : undefined;
  if (!decode) return new Float64Array();
  return Float64Array.from((value as Tensor).data as Iterable<number>, decode);
}
