// What all shaders share: the buffers, and the step that they run (GpuStep in engine/gpu/plan.h).

/** WGSL of parameter `n` of the step. */
export const param = (n: number): string => `step.params[${n >> 2}].${'xyzw'[n & 3] ?? ''}`;
export const floatParam = (n: number): string => `bitcast<f32>(${param(n)})`;
export const intParam = (n: number): string => `i32(${param(n)})`;

/** Where the result goes: `arena[${result} + i]`. */
export const result = param(4);

export interface Kernel {
  /** Elements of the buffers; default f32. */
  readonly type?: 'f32' | 'u32';
  /** WGSL that defines `fn run(id: u32)`. Operand i is read with `in0(index)`, `in1(index)`… */
  source(variant: number): string;
}

const OPERANDS = [0, 1, 2, 3];

export function makeShader(kernel: Kernel, variant: number, homes: number): string {
  const type = kernel.type ?? 'f32';
  const readers = OPERANDS.map((i) => {
    const buffer = (homes >> i) & 1 ? 'weights' : 'arena';
    return `fn in${i}(i: u32) -> ${type} { return ${buffer}[${param(i)} + i]; }`;
  });
  return `
struct Step { head: array<vec4<u32>, 2>, params: array<vec4<u32>, 14> }
@group(0) @binding(0) var<storage, read_write> arena: array<${type}>;
@group(0) @binding(1) var<storage, read> weights: array<${type}>;
@group(0) @binding(2) var<uniform> step: Step;
${readers.join('\n')}
${kernel.source(variant)}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let id = at.y * groups.x * 64u + at.x;
  if (id < step.head[1].x) { run(id); }
}
`;
}

/**
 * WGSL that walks a box (engine/gpu/strided_dims.h): adds the offsets of place `id` to `names`, one per
 * array.
 */
export function walkBox(rank: number, names: readonly string[]): string {
  const lines = ['var rest = id;', ...names.map((name) => `var ${name} = 0u;`)];
  for (let dim = 0; dim < rank; ++dim) {
    const last = dim + 1 === rank;
    lines.push(`let c${dim} = ${last ? 'rest' : `rest % ${param(6 + dim)}`};`);
    if (!last) lines.push(`rest = rest / ${param(6 + dim)};`);
    names.forEach((name, array) =>
      lines.push(`${name} += c${dim} * ${param(6 + rank * (array + 1) + dim)};`),
    );
  }
  return lines.join('\n  ');
}
