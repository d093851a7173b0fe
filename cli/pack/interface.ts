// The inputs and outputs that all variants of a model have.
import type { Dtype, ManifestInput, ManifestOutput } from '../../manifest/parse.js';
import { SardonyxError, type ValueInfo } from '../../web/index.js';
import { dimsText } from '../../worker/dtypes.js';
import type { VariantFile } from './variant_file.js';

type Side = 'inputs' | 'outputs';
interface Described {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: (number | string)[];
}

/** MODEL_UNSUPPORTED names the variants and the value that they do not agree on. */
export function commonInterface(
  files: readonly VariantFile[],
  earlier: { inputs: readonly ManifestInput[]; outputs: readonly ManifestOutput[] } | undefined,
): { inputs: ManifestInput[]; outputs: ManifestOutput[] } {
  const prose = <T extends { name: string }>(values: readonly T[] | undefined, name: string) =>
    values?.find((value) => value.name === name);
  return {
    inputs: common(files, 'inputs').map((value) => {
      const prepare = prose(earlier?.inputs, value.name)?.prepare;
      return { ...value, ...(prepare ? { prepare } : {}) };
    }),
    outputs: common(files, 'outputs').map((value) => {
      const interpret = prose(earlier?.outputs, value.name)?.interpret;
      return { ...value, ...(interpret ? { interpret } : {}) };
    }),
  };
}

function common(files: readonly VariantFile[], side: Side): Described[] {
  const [first, ...others] = files;
  const values = first!.session[side];
  for (const other of others) {
    const names = (infos: readonly ValueInfo[]) =>
      infos
        .map(({ name }) => name)
        .sort()
        .join(', ');
    const [here, there] = [names(values), names(other.session[side])];
    if (here !== there) throw disagree(first!, other, side, here, there);
  }
  return values.map((value) => {
    let shape = value.shape;
    for (const other of others) {
      const info = other.session[side].find(({ name }) => name === value.name)!;
      const both = info.type === value.type ? intersect(shape, info.shape) : undefined;
      if (both === undefined) throw disagree(first!, other, value.name, form(value), form(info));
      shape = both;
    }
    if (!shape) {
      const message = `${value.name} of ${first!.path} does not declare how many dims it has`;
      throw new SardonyxError('MODEL_UNSUPPORTED', message, { tensor: value.name });
    }
    return {
      name: value.name,
      // The validator refuses what a manifest can not hold.
      dtype: value.type as Dtype,
      shape: shape.map((dim) => dim ?? '?'),
    };
  });
}

const form = ({ type, shape }: ValueInfo) => `${type} [${dimsText(shape)}]`;

function disagree(a: VariantFile, b: VariantFile, what: string, here: string, there: string) {
  return new SardonyxError(
    'MODEL_UNSUPPORTED',
    `${a.path} and ${b.path} are no variants of one model: ${what}: ${here} and ${there}`,
  );
}

/** What fits both shapes; undefined when nothing does. */
function intersect(a: ValueInfo['shape'], b: ValueInfo['shape']): ValueInfo['shape'] | undefined {
  if (!a || !b) return a ?? b;
  if (a.length !== b.length) return undefined;
  const dims = a.map((dim, axis) => {
    const other = b[axis]!;
    if (typeof dim === 'number' && typeof other === 'number')
      return dim === other ? dim : undefined;
    return typeof other === 'number' ? other : (dim ?? other);
  });
  return dims.includes(undefined) ? undefined : (dims as ValueInfo['shape']);
}
