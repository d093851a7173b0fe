// What all shaders share: the buffers, and the step that they run (GpuStep in engine/gpu/plan.h).
// Both buffers are words; how a word is read is the kernel's matter.

/** WGSL of parameter `n` of the step. */
export const param = (n: number): string => `step.params[${n >> 2}].${'xyzw'[n & 3] ?? ''}`;
export const floatParam = (n: number): string => `bitcast<f32>(${param(n)})`;
export const intParam = (n: number): string => `i32(${param(n)})`;

export interface Kernel {
  /**
   * WGSL that defines `fn run(id: u32)`. Element i of operand 0 is `in0(i)` as f32, or `raw0(i)` as the
   * word that it is; `at0(place)` is the element at `param(0) + i`. Results go to `put(i, value)` or
   * `put_raw(i, word)`.
   */
  source(variant: number): string;
}

const OPERANDS = [0, 1, 2, 3];
const HALF_BIT = 4;

function reader(operand: number, homes: number): string {
  const buffer = (homes >> operand) & 1 ? 'weights' : 'arena';
  const half = (homes >> (operand + HALF_BIT)) & 1;
  const value = half
    ? `unpack2x16float(${buffer}[place >> 1u])[place & 1u]`
    : `bitcast<f32>(${buffer}[place])`;
  const raw = half ? `bitcast<u32>(in${operand}(i))` : `${buffer}[${param(operand)} + i]`;
  return `
fn at${operand}(place: u32) -> f32 { return ${value}; }
fn in${operand}(i: u32) -> f32 { return at${operand}(${param(operand)} + i); }
fn raw${operand}(i: u32) -> u32 { return ${raw}; }`;
}

export function makeShader(kernel: Kernel, variant: number, homes: number): string {
  return `
struct Step { head: array<vec4<u32>, 2>, params: array<vec4<u32>, 14> }
@group(0) @binding(0) var<storage, read_write> arena: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<u32>;
@group(0) @binding(2) var<uniform> step: Step;
${OPERANDS.map((operand) => reader(operand, homes)).join('')}
fn put_raw(i: u32, word: u32) { arena[${param(4)} + i] = word; }
fn put(i: u32, value: f32) { put_raw(i, bitcast<u32>(value)); }
${kernel.source(variant)}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let id = at.y * groups.x * 64u + at.x;
  if (id < step.head[1].x) { run(id); }
}
`;
}

/**
 * WGSL that walks a box (engine/gpu/strided_dims.h), whose dims are in the parameters from `first` on:
 * declares `names`, one per array, as the offsets of place `place`.
 */
export function walkBox(
  rank: number,
  names: readonly string[],
  { place = 'id', first = 6 }: { place?: string; first?: number } = {},
): string {
  const rest = `rest_${names.join('_')}`;
  const lines = [`var ${rest} = ${place};`, ...names.map((name) => `var ${name} = 0u;`)];
  for (let dim = 0; dim < rank; ++dim) {
    const at = `${rest}${dim}`;
    const last = dim + 1 === rank;
    lines.push(`let ${at} = ${last ? rest : `${rest} % ${param(first + dim)}`};`);
    if (!last) lines.push(`${rest} = ${rest} / ${param(first + dim)};`);
    names.forEach((name, array) =>
      lines.push(`${name} += ${at} * ${param(first + rank * (array + 1) + dim)};`),
    );
  }
  return lines.join('\n  ');
}

/** WGSL of `count` lines, numbered from 0. */
export const each = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n  ');
