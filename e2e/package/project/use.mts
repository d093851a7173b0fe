// Compiles against the declarations of the package, and nothing else.
import { load, SardonyxError, Tensor, type Route, type Session } from 'sardonyx';
import { InferenceSession } from 'sardonyx/ort';
import { quantize, type QuantizeReport } from 'sardonyx/quantize';

export async function use(url: string): Promise<readonly number[]> {
  const session: Session = await load(url, { onProgress: ({ phase }) => console.log(phase) });
  const route: Route = session.route;
  console.log(route.device, route.why.join());
  const x = new Tensor('float32', new Float32Array(4), [1, 4]);
  const { y } = await session.run({ x }).catch((error: unknown) => {
    throw error instanceof SardonyxError ? new Error(error.code) : error;
  });
  await session.dispose();
  if (!(y?.data instanceof Float32Array)) throw new Error('not float32');
  return [...y.data];
}

// @ts-expect-error: a model is needed
export const wrong = load();
// @ts-expect-error: there is no such device
export const alsoWrong = load('x', { force: { device: 'tpu' } });
export const ort: InferenceSession = await InferenceSession.create('x');

export const report: QuantizeReport = (await quantize(new Uint8Array(), { precision: 'int8' }))
  .report;
// @ts-expect-error: there is no such precision
export const stillWrong = quantize(new Uint8Array(), { precision: 'int7' });
