#include "ops/fourier.h"

#include <cmath>
#include <numbers>

#include "base/angle.h"

namespace sardonyx::ops {
namespace {

// Four where possible, else the smallest.
int64_t factor_of(int64_t n) {
  if (n % 4 == 0) return 4;
  for (int64_t factor = 2; factor * factor <= n; ++factor) {
    if (n % factor == 0) return factor;
  }
  return n;
}

// Complex products without the checks for infinities that the operator makes.
Fourier::Complex times(const Fourier::Complex& a, const Fourier::Complex& b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

}  // namespace

Result<Fourier> Fourier::make(int64_t length, bool inverse) {
  if (length < 1 || length > kMaxLength) {
    return error(ErrorCode::LIMIT_EXCEEDED, "a Fourier transform of length %lld",
                 static_cast<long long>(length));
  }
  Fourier out;
  out.length_ = length;
  SX_ASSIGN(out.roots_, Block::allocate(static_cast<uint64_t>(length) * sizeof(Complex)));
  out.sign_ = inverse ? 1 : -1;
  const double unit = out.sign_ * 2 * std::numbers::pi / static_cast<double>(length);
  auto* roots = out.roots_.as<Complex>();
  for (int64_t k = 0; k < length; ++k) {
    const double angle = unit * static_cast<double>(k);
    roots[k] = {cosine(angle), sine(angle)};
  }
  return out;
}

void Fourier::run(const Complex* x, Complex* y, Complex* scratch) const {
  transform(x, length_, 1, y, scratch);
}

// Every step-th of the elements x: `factor` interleaved transforms, put together in place.
void Fourier::transform(const Complex* x, int64_t length, int64_t step, Complex* y,
                        Complex* scratch) const {
  if (length == 1) {
    *y = *x;
    return;
  }
  const int64_t factor = factor_of(length), part = length / factor;
  for (int64_t r = 0; r < factor; ++r) {
    if (part == 1) {
      y[r] = x[r * step];
    } else {
      transform(x + r * step, part, step * factor, y + r * part, scratch);
    }
  }
  if (factor == 4) return join_four(y, part, step);
  if (factor == 2) return join_two(y, part, step);
  join(y, factor, part, step, scratch);
}

// Roots of these transforms are every step-th of the whole length's.
void Fourier::join_two(Complex* y, int64_t part, int64_t step) const {
  const auto* roots = roots_.as<const Complex>();
  for (int64_t k = 0; k < part; ++k) {
    const Complex a = y[k], b = times(y[part + k], roots[k * step]);
    y[k] = a + b;
    y[part + k] = a - b;
  }
}

void Fourier::join_four(Complex* y, int64_t part, int64_t step) const {
  const auto* roots = roots_.as<const Complex>();
  for (int64_t k = 0; k < part; ++k) {
    const Complex a = y[k], b = times(y[part + k], roots[k * step]);
    const Complex c = times(y[2 * part + k], roots[2 * k * step]);
    const Complex d = times(y[3 * part + k], roots[3 * k * step]);
    const Complex even = a + c, odd = a - c, sum = b + d, difference = b - d;
    const Complex turned{-sign_ * difference.imag(), sign_ * difference.real()};
    y[k] = even + sum;
    y[part + k] = odd + turned;
    y[2 * part + k] = even - sum;
    y[3 * part + k] = odd - turned;
  }
}

void Fourier::join(Complex* y, int64_t factor, int64_t part, int64_t step, Complex* scratch) const {
  const auto* roots = roots_.as<const Complex>();
  for (int64_t k = 0; k < part; ++k) {
    for (int64_t r = 0; r < factor; ++r) scratch[r] = y[r * part + k];
    for (int64_t q = 0; q < factor; ++q) {
      // The root of exponent (k + q * part) * r / length, counted in roots of the whole length.
      const int64_t turn = (k + q * part) * step;
      Complex sum = scratch[0];
      int64_t at = 0;
      for (int64_t r = 1; r < factor; ++r) {
        at += turn;
        if (at >= length_) at -= length_;
        sum += times(scratch[r], roots[at]);
      }
      y[q * part + k] = sum;
    }
  }
}

}  // namespace sardonyx::ops
