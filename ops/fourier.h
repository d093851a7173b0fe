// The discrete Fourier transform of any length, in double precision.
#pragma once

#include <complex>
#include <cstdint>

#include "base/block.h"

namespace sardonyx::ops {

// Transforms of one length: y[k] = sum of x[i] * exp(-2 pi i k / length), with the other sign when
// inverse (not scaled). Lengths with small prime factors are fast; a prime takes its square.
class Fourier {
 public:
  using Complex = std::complex<double>;
  // Longer ones are LIMIT_EXCEEDED.
  static constexpr int64_t kMaxLength = int64_t{1} << 24;

  static Result<Fourier> make(int64_t length, bool inverse);
  int64_t length() const { return length_; }
  // `x`, `y` and `scratch` hold `length` elements each and do not overlap. On the calling thread.
  void run(const Complex* x, Complex* y, Complex* scratch) const;

 private:
  void transform(const Complex* x, int64_t length, int64_t step, Complex* y,
                 Complex* scratch) const;
  void join_two(Complex* y, int64_t part, int64_t step) const;
  void join_four(Complex* y, int64_t part, int64_t step) const;
  void join(Complex* y, int64_t factor, int64_t part, int64_t step, Complex* scratch) const;

  int64_t length_ = 1;
  double sign_ = -1;  // of the exponents
  Block roots_;       // exp(-2 pi i k / length)
};

}  // namespace sardonyx::ops
