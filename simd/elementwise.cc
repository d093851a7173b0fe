#include "simd/elementwise.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "base/angle.h"
#include "simd/math.h"

namespace sardonyx::simd {
namespace {

// sin and cos of arguments beyond the vector forms' range.
template <typename Op, typename Scalar>
SX_INLINE f32x4 within_turns(f32x4 x, Op op, Scalar scalar) {
  if (!any(~(abs(x) <= splat(8192.0f)))) return op(x);
  float lanes[4];
  store(lanes, x);
  for (float& lane : lanes) lane = scalar(lane);
  return load(lanes);
}

SX_INLINE f32x4 elu(f32x4 x, f32x4 alpha) {
  // exp(x) - 1 as tanh(x / 2) * (exp(x) + 1), which does not cancel near 0.
  const f32x4 negative = pmin(x, zero());
  const f32x4 e = tanh(negative * splat(0.5f)) * (exp(negative) + splat(1.0f));
  return select(x < zero(), alpha * e, x);
}

SX_INLINE f32x4 softplus(f32x4 x) {
  // max(x, 0) + log(1 + exp(-|x|)), with log(1 + e) = e - e^2 / 2 where 1 + e would lose e.
  const f32x4 e = exp(-abs(x));
  const f32x4 exact = madd(e * e, splat(-0.5f), e);
  const f32x4 tail = select(e < splat(0x1p-9f), exact, log(e + splat(1.0f)));
  return pmax(x, zero()) + tail;
}

SX_INLINE f32x4 hard_sigmoid(f32x4 x, f32x4 a, f32x4 b) {
  return pmax(pmin(madd(x, a, b), splat(1.0f)), zero());
}

// --- one operand ---------------------------------------------------------------------------------

// An even number of vectors.
using UnaryFn = void (*)(const float* x, float* y, int64_t vectors, float a, float b);

// Two vectors at a time hide the latency of a long chain.
template <auto kOp>
void unary_pairs(const float* x, float* y, int64_t vectors, float, float) {
  for (; vectors > 0; vectors -= 2, x += 8, y += 8) {
    const f32x4 first = kOp(load(x)), second = kOp(load(x + 4));
    store(y, first);
    store(y + 4, second);
  }
}

template <auto kOp>
void unary_vectors(const float* x, float* y, int64_t vectors, float a, float b) {
  const f32x4 va = splat(a), vb = splat(b);
  for (; vectors > 0; --vectors, x += 4, y += 4) store(y, kOp(load(x), va, vb));
}

void run_unary(UnaryFn fn, float a, float b, const float* x, float* y, int64_t count) {
  const int64_t whole = count / 8 * 8;
  fn(x, y, whole / 4, a, b);
  if (whole == count) return;
  const auto rest = static_cast<size_t>(count - whole) * sizeof(float);
  float lanes[8] = {};
  std::memcpy(lanes, x + whole, rest);
  fn(lanes, lanes, 2, a, b);
  std::memcpy(y + whole, lanes, rest);
}

UnaryFn unary_fn(UnaryKind kind) {
  switch (kind) {
    case UnaryKind::kRelu:
      return unary_vectors<[](f32x4 v, f32x4, f32x4) { return pmax(v, zero()); }>;
    case UnaryKind::kClip:
      return unary_vectors<[](f32x4 v, f32x4 a, f32x4 b) { return pmin(pmax(v, a), b); }>;
    case UnaryKind::kLeakyRelu:
      return unary_vectors<[](f32x4 v, f32x4 a, f32x4) { return select(v < zero(), v * a, v); }>;
    case UnaryKind::kSigmoid:
      return unary_pairs<[](f32x4 v) { return sigmoid(v); }>;
    case UnaryKind::kTanh:
      return unary_pairs<[](f32x4 v) { return tanh(v); }>;
    case UnaryKind::kHardSigmoid:
      return unary_vectors<[](f32x4 v, f32x4 a, f32x4 b) { return hard_sigmoid(v, a, b); }>;
    case UnaryKind::kHardSwish:
      return unary_vectors<[](f32x4 v, f32x4, f32x4) {
        return v * hard_sigmoid(v, splat(1.0f / 6.0f), splat(0.5f));
      }>;
    case UnaryKind::kSilu:
      return unary_pairs<[](f32x4 v) { return silu(v); }>;
    case UnaryKind::kAbs:
      return unary_vectors<[](f32x4 v, f32x4, f32x4) { return abs(v); }>;
    case UnaryKind::kNeg:
      return unary_vectors<[](f32x4 v, f32x4, f32x4) { return -v; }>;
    case UnaryKind::kReciprocal:
      return unary_vectors<[](f32x4 v, f32x4, f32x4) { return splat(1.0f) / v; }>;
    case UnaryKind::kSqrt:
      return unary_vectors<[](f32x4 v, f32x4, f32x4) { return sqrt(v); }>;
    case UnaryKind::kFloor:
      return unary_vectors<[](f32x4 v, f32x4, f32x4) { return floor(v); }>;
    case UnaryKind::kCeil:
      return unary_vectors<[](f32x4 v, f32x4, f32x4) { return ceil(v); }>;
    case UnaryKind::kRound:
      return unary_vectors<[](f32x4 v, f32x4, f32x4) { return nearest(v); }>;
    case UnaryKind::kExp:
      return unary_pairs<[](f32x4 v) { return exp(v); }>;
    case UnaryKind::kLog:
      return unary_vectors<[](f32x4 v, f32x4, f32x4) { return log(v); }>;
    case UnaryKind::kSin:
      return unary_vectors<[](f32x4 v, f32x4, f32x4) {
        return within_turns(
            v, [](f32x4 u) { return sin(u); },
            [](float u) { return static_cast<float>(sine(double{u})); });
      }>;
    case UnaryKind::kCos:
      return unary_vectors<[](f32x4 v, f32x4, f32x4) {
        return within_turns(
            v, [](f32x4 u) { return cos(u); },
            [](float u) { return static_cast<float>(cosine(double{u})); });
      }>;
    case UnaryKind::kErf:
      return unary_pairs<[](f32x4 v) { return erf(v); }>;
    case UnaryKind::kGelu:
      return unary_pairs<[](f32x4 v) { return gelu(v); }>;
    case UnaryKind::kGeluTanh:
      return unary_pairs<[](f32x4 v) { return gelu_tanh(v); }>;
    case UnaryKind::kElu:
      return unary_vectors<[](f32x4 v, f32x4 a, f32x4) { return elu(v, a); }>;
    case UnaryKind::kSoftplus:
      return unary_vectors<[](f32x4 v, f32x4, f32x4) { return softplus(v); }>;
  }
  return nullptr;
}

// --- two operands --------------------------------------------------------------------------------

// Operands advance by their step after each vector: 4, or 0 where they repeat.
using BinaryFn = void (*)(const float* a, int64_t a_step, const float* b, int64_t b_step, float* y,
                          int64_t vectors);

template <auto kOp>
void binary_vectors(const float* a, int64_t a_step, const float* b, int64_t b_step, float* y,
                    int64_t vectors) {
  for (; vectors > 0; --vectors, a += a_step, b += b_step, y += 4) store(y, kOp(load(a), load(b)));
}

SX_INLINE f32x4 keep_nan(f32x4 b, f32x4 y) {
  return select(b != b, b, y);
}

void pow_vectors(const float* a, int64_t a_step, const float* b, int64_t b_step, float* y,
                 int64_t vectors) {
  for (; vectors > 0; --vectors, a += a_step, b += b_step, y += 4) {
    for (int j = 0; j < 4; ++j) y[j] = std::pow(a[j], b[j]);
  }
}

// pow with an exponent that has a shorter form; false when it has none.
bool power_of_constant(const float* x, float exponent, float* y, int64_t count) {
  const BinaryOperand base{x};
  const float one = 1.0f;
  if (exponent == 2.0f) {
    binary(BinaryKind::kMul, base, base, y, count);
  } else if (exponent == 3.0f) {
    run_unary(unary_vectors<[](f32x4 v, f32x4, f32x4) { return v * v * v; }>, 0, 0, x, y, count);
  } else if (exponent == 0.5f) {
    // pow(-inf, 0.5) is inf and pow(-0, 0.5) is 0, unlike the square root.
    run_unary(unary_vectors<[](f32x4 v, f32x4, f32x4) {
                const f32x4 infinity = splat(std::numeric_limits<float>::infinity());
                return select(v == -infinity, infinity, sqrt(v + zero()));
              }>,
              0, 0, x, y, count);
  } else if (exponent == 1.0f) {
    binary(BinaryKind::kMul, base, {&one, true}, y, count);
  } else if (exponent == -1.0f) {
    binary(BinaryKind::kDiv, {&one, true}, base, y, count);
  } else {
    return false;
  }
  return true;
}

BinaryFn binary_fn(BinaryKind kind) {
  switch (kind) {
    case BinaryKind::kAdd:
      return binary_vectors<[](f32x4 a, f32x4 b) { return a + b; }>;
    case BinaryKind::kSub:
      return binary_vectors<[](f32x4 a, f32x4 b) { return a - b; }>;
    case BinaryKind::kMul:
      return binary_vectors<[](f32x4 a, f32x4 b) { return a * b; }>;
    case BinaryKind::kDiv:
      return binary_vectors<[](f32x4 a, f32x4 b) { return a / b; }>;
    case BinaryKind::kMin:
      return binary_vectors<[](f32x4 a, f32x4 b) { return keep_nan(b, pmin(a, b)); }>;
    case BinaryKind::kMax:
      return binary_vectors<[](f32x4 a, f32x4 b) { return keep_nan(b, pmax(a, b)); }>;
    case BinaryKind::kPow:
      return pow_vectors;
    case BinaryKind::kPRelu:
      return binary_vectors<[](f32x4 a, f32x4 b) { return select(a < zero(), a * b, a); }>;
  }
  return nullptr;
}

}  // namespace

void unary(UnaryKind kind, float a, float b, const float* x, float* y, int64_t count) {
  run_unary(unary_fn(kind), a, b, x, y, count);
}

void activate(const Activation& activation, float* x, int64_t count) {
  UnaryKind kind;
  switch (activation.kind) {
    case ActivationKind::kNone:
      return;
    case ActivationKind::kRelu:
      kind = UnaryKind::kRelu;
      break;
    case ActivationKind::kClip:
      kind = UnaryKind::kClip;
      break;
    case ActivationKind::kLeakyRelu:
      kind = UnaryKind::kLeakyRelu;
      break;
    case ActivationKind::kSigmoid:
      kind = UnaryKind::kSigmoid;
      break;
    case ActivationKind::kTanh:
      kind = UnaryKind::kTanh;
      break;
    case ActivationKind::kHardSigmoid:
      kind = UnaryKind::kHardSigmoid;
      break;
    case ActivationKind::kHardSwish:
      kind = UnaryKind::kHardSwish;
      break;
    case ActivationKind::kSilu:
      kind = UnaryKind::kSilu;
      break;
    case ActivationKind::kGelu:
      kind = UnaryKind::kGelu;
      break;
    default:
      return;
  }
  unary(kind, activation.a, activation.b, x, x, count);
}

void binary(BinaryKind kind, BinaryOperand a, BinaryOperand b, float* y, int64_t count) {
  if (count <= 0) return;
  if (kind == BinaryKind::kPow && b.period == 1 && a.period == 0 &&
      power_of_constant(a.data, *b.data, y, count)) {
    return;
  }
  const BinaryFn fn = binary_fn(kind);
  const int64_t whole = count / 4 * 4, rest = count - whole;
  float a_lanes[4], b_lanes[4];
  if (a.period == 1) store(a_lanes, load_splat(a.data));
  if (b.period == 1) store(b_lanes, load_splat(b.data));
  fn(a.period == 1 ? a_lanes : a.data, a.period ? 0 : 4, b.period == 1 ? b_lanes : b.data,
     b.period ? 0 : 4, y, whole / 4);
  if (rest == 0) return;
  if (a.period != 1) store(a_lanes, load_partial(a.data + (a.period ? 0 : whole), rest));
  if (b.period != 1) store(b_lanes, load_partial(b.data + (b.period ? 0 : whole), rest));
  fn(a_lanes, 0, b_lanes, 0, a_lanes, 1);
  store_partial(y + whole, load(a_lanes), rest);
}

void scale_offset(const float* x, float scale, float offset, float* y, int64_t count) {
  run_unary(unary_vectors<[](f32x4 v, f32x4 a, f32x4 b) { return madd(v, a, b); }>, scale, offset,
            x, y, count);
}

void scale_offset(const float* x, const float* scale, const float* offset, float* y,
                  int64_t count) {
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) store(y + i, madd(load(x + i), load(scale + i), load(offset + i)));
  for (; i < count; ++i) y[i] = x[i] * scale[i] + offset[i];
}

void sum_of_products(const float* a, const float* b, const float* c, const float* d, float* y,
                     int64_t count) {
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) {
    store(y + i, madd(load(a + i), load(b + i), load(c + i) * load(d + i)));
  }
  for (; i < count; ++i) y[i] = a[i] * b[i] + c[i] * d[i];
}

}  // namespace sardonyx::simd
