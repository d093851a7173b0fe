// Functions of one number in WGSL, by the numbers that engine/gpu uses: those of simd/activation.h,
// and from 32 on those of engine/gpu/elementwise.cc. `a` and `b` are WGSL expressions.
const functions: Readonly<Record<number, (a: string, b: string) => string>> = {
  0: () => 'x',
  1: () => 'max(x, 0.0)',
  2: (a, b) => `min(max(x, ${a}), ${b})`,
  3: (a) => `select(x, x * ${a}, x < 0.0)`,
  4: () => '1.0 / (1.0 + exp(min(-x, 88.0)))',
  // Some drivers make NaN of large arguments.
  5: () => 'tanh(clamp(x, -15.0, 15.0))',
  6: (a, b) => `clamp(x * ${a} + ${b}, 0.0, 1.0)`,
  7: () => 'x * clamp(x / 6.0 + 0.5, 0.0, 1.0)',
  8: () => 'x / (1.0 + exp(min(-x, 88.0)))',
  32: () => 'exp(x)',
  33: () => 'log(x)',
  34: () => 'sqrt(x)',
  35: () => '-x',
  36: () => 'abs(x)',
  37: () => '1.0 / x',
  38: () => 'floor(x)',
  39: () => 'ceil(x)',
};

export function defineFunction(number: number, a: string, b: string): string {
  const body = functions[number];
  if (!body) throw new Error(`function ${number} is not known`);
  return `fn apply(x: f32) -> f32 { return ${body(a, b)}; }\n`;
}
