#include "base/angle.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

namespace sardonyx {
namespace {

// The bits of 2/pi behind 64 zeros: all that an angle below 2^1024 meets.
constexpr uint64_t kTwoOverPi[] = {
    0x0000000000000000, 0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041,
    0xfe5163abdebbc561, 0xb7246e3a424dd2e0, 0x06492eea09d1921c, 0xfe1deb1cb129a73e,
    0xe88235f52ebb4484, 0xe99c7026b45f7e41, 0x3991d639835339f4, 0x9c845f8bbdf9283b,
    0x1ff897ffde05980f, 0xef2f118b5a0a6d1f, 0x6d367ecf27cb09b7, 0x4f463f669e5fea2d,
    0x7527bac7ebe5f17b, 0x3d0739f78a5292ea, 0x6bfb5fb11f8d5d08, 0x56033046fc7b6bab,
};

// angle = quadrant * pi/2 + high + low, |high| at most pi/4 and a little; the quadrant modulo 4.
struct Reduced {
  int quadrant;
  double high, low;
};

struct Sum {
  double high, low;
};
Sum exact_sum(double a, double b) {
  const double high = a + b, rest = high - a;
  return {high, (a - (high - rest)) + (b - rest)};
}

// 64 bits of 2/pi from bit `at` on.
uint64_t bits_at(int at) {
  const int word = at / 64, shift = at % 64;
  const uint64_t high = kTwoOverPi[word] << shift;
  return shift == 0 ? high : high | kTwoOverPi[word + 1] >> (64 - shift);
}

// Payne and Hanek: with angle = m * 2^e the bits of 2/pi before place e - 2 add multiples of 4
// turns' quarters, and 192 bits from there on leave 128 of the fraction.
Reduced reduce_large(double angle) {
  int exponent = 0;
  const auto m = static_cast<uint64_t>(std::ldexp(std::frexp(angle, &exponent), 53));
  const int at = exponent - 53 - 2 + 64;
  using Wide = unsigned __int128;
  const Wide last = Wide{m} * bits_at(at + 128);
  const Wide middle = Wide{m} * bits_at(at + 64) + static_cast<uint64_t>(last >> 64);
  const uint64_t first = m * bits_at(at) + static_cast<uint64_t>(middle >> 64);
  const auto second = static_cast<uint64_t>(middle);
  // Quarters of a turn to the nearest; what is left, signed, in 1/2^64.
  const uint64_t left = first << 2 | second >> 62;
  const int quadrant = static_cast<int>((first >> 62) + (left >> 63));
  const double top = 0x1p32 * static_cast<double>(static_cast<int32_t>(left >> 32));
  Sum turns = exact_sum(top, static_cast<double>(static_cast<uint32_t>(left)));
  const uint64_t below = second << 2 | static_cast<uint64_t>(last) >> 62;
  turns = exact_sum(turns.high, turns.low + 0x1p-64 * static_cast<double>(below));
  // Times pi/2, of which the first part has 27 bits, as the first part of the sum has 26.
  constexpr double kFirst = 0x1.921fb54000000p+0, kSecond = 0x1.10b4611a62633p-30;
  const double split = turns.high * 0x1.000002p27;
  const double coarse = split - (split - turns.high), fine = turns.high - coarse;
  const double rest =
      coarse * kSecond + fine * kFirst + (fine * kSecond + turns.low * (kFirst + kSecond));
  const Sum out = exact_sum(coarse * kFirst, rest);
  return {quadrant & 3, 0x1p-64 * out.high, 0x1p-64 * out.low};
}

Reduced reduce(double angle) {
  constexpr double kQuarterPi = 0.78539816339744830962;
  const double size = std::fabs(angle);
  if (size <= kQuarterPi) return {0, angle, 0};
  if (!(size <= std::numeric_limits<double>::max())) return {0, std::nan(""), 0};
  const Reduced out = reduce_large(size);
  if (angle > 0) return out;
  return {-out.quadrant & 3, -out.high, -out.low};
}

// From the highest power of x down.
double polynomial(double x, std::span<const double> terms) {
  double sum = 0;
  for (double term : terms) sum = sum * x + term;
  return sum;
}

// Taylor's polynomials: what they leave out is below 1e-18.
double small_sine(double x, double low) {
  constexpr double kTerms[] = {
      1.0 / 355687428096000, -1.0 / 1307674368000, 1.0 / 6227020800, -1.0 / 39916800,
      1.0 / 362880,          -1.0 / 5040,          1.0 / 120,        -1.0 / 6};
  const double square = x * x;
  const double rest = x * square * polynomial(square, kTerms) + low * (1 - 0.5 * square);
  return rest == 0 ? x : x + rest;
}
double small_cosine(double x, double low) {
  constexpr double kTerms[] = {
      1.0 / 20922789888000, -1.0 / 87178291200, 1.0 / 479001600, -1.0 / 3628800,
      1.0 / 40320,          -1.0 / 720,         1.0 / 24};
  const double square = x * x, half = 0.5 * square, most = 1 - half;
  const double rest = square * square * polynomial(square, kTerms) - x * low;
  return most + (((1 - most) - half) + rest);
}

double wave(const Reduced& at) {
  const double out = at.quadrant & 1 ? small_cosine(at.high, at.low) : small_sine(at.high, at.low);
  return at.quadrant & 2 ? -out : out;
}

}  // namespace

double sine(double angle) {
  return wave(reduce(angle));
}

double cosine(double angle) {
  const Reduced at = reduce(angle);
  return wave({(at.quadrant + 1) & 3, at.high, at.low});
}

double tangent(double angle) {
  const Reduced at = reduce(angle);
  const double s = small_sine(at.high, at.low), c = small_cosine(at.high, at.low);
  return at.quadrant & 1 ? -c / s : s / c;
}

}  // namespace sardonyx
