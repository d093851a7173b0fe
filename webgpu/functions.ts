// Functions of one number in WGSL, by the numbers that engine/gpu uses: those of simd/activation.h,
// and from 32 on those of engine/gpu/elementwise.cc. `a` and `b` are WGSL expressions. Where select()
// stands for min or max, NaN stays NaN.
const SIGMOID = (x: string): string => `1.0 / (1.0 + exp(min(-(${x}), 88.0)))`;
// Some drivers make NaN of large arguments.
const TANH = (x: string): string => `tanh(clamp(${x}, -15.0, 15.0))`;
// Near 0, exp(x) - 1 loses digits that the series has.
const EXPM1 = (x: string): string =>
  `select(exp(${x}) - 1.0, (${x}) * (1.0 + (${x}) * (0.5 + (${x}) * (0.16666667 + (${x}) * 0.041666667))), abs(${x}) < 0.1)`;
const SOFTPLUS = 'max(x, 0.0) + log(1.0 + exp(-abs(x)))';

const GELU = '0.5 * x * (1.0 + error_function(x * 0.70710678))';

const functions: Readonly<Record<number, (a: string, b: string) => string>> = {
  0: () => 'x',
  1: () => 'select(x, 0.0, x < 0.0)',
  2: (a, b) => `select(select(x, ${b}, x > ${b}), ${a}, x < ${a})`,
  3: (a) => `select(x, x * ${a}, x < 0.0)`,
  4: () => SIGMOID('x'),
  5: () => TANH('x'),
  6: (a, b) => `clamp(x * ${a} + ${b}, 0.0, 1.0)`,
  7: () => 'x * clamp(x / 6.0 + 0.5, 0.0, 1.0)',
  8: () => `x * (${SIGMOID('x')})`,
  9: () => GELU,
  32: () => 'exp(x)',
  33: () => 'log(x)',
  34: () => 'sqrt(x)',
  35: () => '-x',
  36: () => 'abs(x)',
  37: () => '1.0 / x',
  38: () => 'floor(x)',
  39: () => 'ceil(x)',
  40: () => 'round(x)',
  41: () => 'sign(x)',
  42: () => 'error_function(x)',
  43: () => GELU,
  44: () => `0.5 * x * (1.0 + ${TANH('0.79788456 * (x + 0.044715 * x * x * x)')})`,
  45: (a) => `select(x, ${a} * (${EXPM1('x')}), x < 0.0)`,
  46: (a, b) => `${b} * select(${a} * (${EXPM1('x')}), x, x > 0.0)`,
  47: (a) => `select(${a} * (${EXPM1(`(x / ${a})`)}), x, x > 0.0)`,
  48: (a) => `select(x, 0.0, x <= ${a})`,
  49: () => SOFTPLUS,
  50: () => 'x / (1.0 + abs(x))',
  51: () => `x * ${TANH(SOFTPLUS)}`,
  52: (a) => `x * (${SIGMOID(`${a} * x`)})`,
  53: () => 'sin(x)',
  54: () => 'cos(x)',
};

// x * P(x²) / Q(x²), highest power first: those of erf() in simd/math.h.
const P = [
  '-0x1.bd4e56p-27f',
  '0x1.375172p-18f',
  '0x1.8c3e88p-12f',
  '0x1.f7c4dp-9f',
  '0x1.bc9d86p-5f',
  '0x1.7b3d02p-3f',
  '0x1.20dd76p0f',
];
const Q = [
  '0x1.06e4f6p-14f',
  '0x1.55d6d2p-10f',
  '0x1.fa0f4p-7f',
  '0x1.d295c4p-4f',
  '0x1.fd6108p-2f',
  '1.0f',
];
const horner = (coefficients: readonly string[]): string =>
  coefficients.reduce((sum, next) => `fma(${sum}, t, ${next})`);

const ERROR_FUNCTION = `
fn error_function(value: f32) -> f32 {
  let x = clamp(value, -3.95, 3.95);
  let t = x * x;
  return clamp(x * (${horner(P)}) / (${horner(Q)}), -1.0, 1.0);
}
`;

/** WGSL of `fn apply(x: f32) -> f32`. */
export function defineFunction(number: number, a: string, b: string): string {
  const body = functions[number];
  if (!body) throw new Error(`function ${number} is not known`);
  const text = `fn apply(x: f32) -> f32 { return ${body(a, b)}; }\n`;
  return text.includes('error_function') ? ERROR_FUNCTION + text : text;
}
