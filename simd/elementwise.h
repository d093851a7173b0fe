// Elementwise float kernels over contiguous spans, on the calling thread. Output may be an input.
#pragma once

#include <cstdint>

#include "simd/activation.h"

namespace sardonyx::simd {

// NaN stays NaN throughout.
enum class UnaryKind : uint8_t {
  kRelu,         // max(x, 0)
  kClip,         // min(max(x, a), b), b where a > b
  kLeakyRelu,    // x < 0 ? a * x : x
  kSigmoid,      // 1 / (1 + exp(-x))
  kTanh,         //
  kHardSigmoid,  // max(0, min(1, a * x + b))
  kHardSwish,    // x * max(0, min(1, x / 6 + 0.5))
  kSilu,         // x * sigmoid(x)
  kAbs,
  kNeg,
  kReciprocal,
  kSqrt,
  kFloor,
  kCeil,
  kRound,  // ties to even
  kExp,
  kLog,
  kSin,
  kCos,
  kErf,
  kGelu,      // x / 2 * (1 + erf(x / sqrt(2)))
  kGeluTanh,  // the approximation with tanh
  kElu,       // x < 0 ? a * (exp(x) - 1) : x
  kSoftplus,  // log(1 + exp(x))
};
void unary(UnaryKind kind, float a, float b, const float* x, float* y, int64_t count);

// Applies the activation in place.
void activate(const Activation& activation, float* x, int64_t count);

enum class BinaryKind : uint8_t {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMin,  // NaN when either operand is
  kMax,
  kPow,
  kPRelu,  // a < 0 ? a * b : a
};
// y[i] = a[i] op b[i]; an operand with a period, 1 or 4, repeats so many elements.
struct BinaryOperand {
  const float* data;
  uint8_t period = 0;
};
void binary(BinaryKind kind, BinaryOperand a, BinaryOperand b, float* y, int64_t count);

// y[i] = x[i] * scale + offset, and y[i] = x[i] * scale[i] + offset[i].
void scale_offset(const float* x, float scale, float offset, float* y, int64_t count);
void scale_offset(const float* x, const float* scale, const float* offset, float* y, int64_t count);

// y[i] = a[i] * b[i] + c[i] * d[i].
void sum_of_products(const float* a, const float* b, const float* c, const float* d, float* y,
                     int64_t count);

}  // namespace sardonyx::simd
