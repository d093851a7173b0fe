// Bytes of a *.sardonyx.json -> a checked Manifest. Everything wrong with it is MANIFEST_INVALID and
// names the field.
import { byteLength, dtypeInfo, elementCount } from '../worker/dtypes.js';
import { Failure } from '../worker/failure.js';
import type { EncodedTensor, KnownAnswer, Manifest, Variant } from './manifest.generated.js';
import type { SchemaError, validate as Validate } from './validate.generated.js';

// For URLs that may be relative.
const ANY_BASE = 'https://base.invalid/';

export type * from './manifest.generated.js';

export const FORMAT = 1;

// `url` is where the text came from, for messages. MANIFEST_INVALID.
export type ManifestParser = (text: string, url: string) => Manifest;

// The schema is in a file of its own, manifest.mjs: most pages load models without a manifest. NETWORK_FAILED.
export async function manifestParser(): Promise<ManifestParser> {
  try {
    const { validate } = await import('./validate.generated.js');
    return (text, url) => parseManifest(validate, text, url);
  } catch (thrown) {
    const why = `manifest.mjs, which checks manifests, did not load: ${(thrown as Error).message}`;
    throw new Failure('NETWORK_FAILED', why);
  }
}

function parseManifest(validate: typeof Validate, text: string, url: string): Manifest {
  const refuse: Refuse = (field, message) => {
    const place = field ? `${field} ` : '';
    throw new Failure('MANIFEST_INVALID', `${url}: ${place}${message}`, {
      url,
      ...(field ? { field } : {}),
    });
  };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    return refuse('', `is not JSON: ${(thrown as Error).message}`);
  }
  const format = isObject(value) ? value.format : undefined;
  if (typeof format === 'number' && format !== FORMAT) {
    refuse('format', `is ${format}, this release reads ${FORMAT}`);
  }
  if (!validate(value)) refuse(...describe(validate.errors![0]!));
  const manifest = value as Manifest;
  checkVariants(manifest.variants, refuse);
  checkRollout(manifest, refuse);
  if (manifest.remote) checkRemote(manifest.remote.url, url, refuse);
  manifest.knownAnswers?.forEach((answer, i) => checkAnswer(manifest, answer, i, refuse));
  return manifest;
}

// Absolute URL of a variant's file.
export function variantUrl(variant: Variant, manifestUrl: string): string {
  return new URL(variant.url, manifestUrl).href;
}

export function toleranceOf({ tolerance }: KnownAnswer, { precision }: Variant): number {
  return typeof tolerance === 'number' ? tolerance : tolerance[precision]!;
}

type Refuse = (field: string, message: string) => never;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

function describe({ keyword, instancePath, params, message }: SchemaError): [string, string] {
  const field = toPath(instancePath);
  const inside = (name: unknown) => (field ? `${field}.${String(name)}` : String(name));
  switch (keyword) {
    case 'required':
      return [inside(params.missingProperty), 'is missing'];
    case 'additionalProperties':
      return [inside(params.additionalProperty), 'is not a field of the format'];
    case 'enum':
      return [field, `must be one of ${(params.allowedValues as string[]).join(', ')}`];
    default:
      return [field, message ?? keyword];
  }
}

// /variants/0/url -> variants[0].url
function toPath(pointer: string): string {
  return pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((path, part) => {
      if (/^\d+$/.test(part)) return `${path}[${part}]`;
      return path ? `${path}.${part}` : part;
    }, '');
}

function checkVariants(variants: readonly Variant[], refuse: Refuse): void {
  variants.forEach(({ name, url, bytes, chunks }, i) => {
    if (variants.findIndex((other) => other.name === name) < i) {
      refuse(`variants[${i}].name`, `is ${name}, as that of an earlier variant`);
    }
    if (!isUrl(url, ANY_BASE)) refuse(`variants[${i}].url`, `is not a URL: ${url}`);
    const count = chunks ? Math.ceil(bytes / chunks.bytes) : 0;
    if (chunks && chunks.sha256.length !== count) {
      const found = `has ${chunks.sha256.length} hashes`;
      refuse(
        `variants[${i}].chunks.sha256`,
        `${found}, ${bytes} bytes in chunks of ${chunks.bytes} are ${count}`,
      );
    }
  });
}

function checkRollout({ version, rollout }: Manifest, refuse: Refuse): void {
  if (!rollout) return;
  if (!isUrl(rollout.url, ANY_BASE)) refuse('rollout.url', `is not a URL: ${rollout.url}`);
  if (rollout.version === version) {
    refuse('rollout.version', `is ${version}, the version of the manifest itself`);
  }
}

// What is sent there must not be read on the way: https, this machine, or where the manifest is from.
function checkRemote(remote: string, manifestUrl: string, refuse: Refuse): void {
  if (!isUrl(remote, manifestUrl)) refuse('remote.url', `is not a URL: ${remote}`);
  const { protocol, hostname, origin } = new URL(remote, manifestUrl);
  const near = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  const same = isUrl(manifestUrl, undefined) && new URL(manifestUrl).origin === origin;
  if (protocol === 'https:' || (protocol === 'http:' && (near || same))) return;
  refuse('remote.url', `must be https:, on localhost, or of the manifest's origin: ${remote}`);
}

// URL.canParse() is younger than some browsers that the library runs in.
function isUrl(url: string, base: string | undefined): boolean {
  try {
    return Boolean(new URL(url, base));
  } catch {
    return false;
  }
}

function checkAnswer(manifest: Manifest, answer: KnownAnswer, i: number, refuse: Refuse): void {
  const path = `knownAnswers[${i}]`;
  for (const side of ['inputs', 'outputs'] as const) {
    for (const [name, tensor] of Object.entries(answer[side])) {
      const field = `${path}.${side}.${name}`;
      if (!manifest[side].some((value) => value.name === name)) {
        refuse(field, `is not named in ${side}`);
      }
      checkTensor(tensor, field, refuse);
    }
  }
  for (const { name, precision } of manifest.variants) {
    if (typeof answer.tolerance === 'number' || answer.tolerance[precision] !== undefined) continue;
    refuse(`${path}.tolerance`, `has no number for ${precision} of variant ${name}`);
  }
}

function checkTensor({ dtype, shape, base64 }: EncodedTensor, field: string, refuse: Refuse): void {
  const wanted = byteLength(dtypeInfo(dtype), elementCount(shape));
  const padding = /=*$/.exec(base64)![0].length;
  const bytes = (base64.length * 3) / 4 - padding;
  if (bytes === wanted) return;
  refuse(`${field}.base64`, `holds ${bytes} bytes, ${dtype} [${shape.join(', ')}] takes ${wanted}`);
}
