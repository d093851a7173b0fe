#include "simd/elementwise.h"

#include <cmath>
#include <limits>

#include "simd/math.h"

namespace sardonyx::simd {
namespace {

template <typename Op>
SX_INLINE void map(const float* x, float* y, int64_t count, Op op) {
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) store(y + i, op(load(x + i)));
  if (i < count) store_partial(y + i, op(load_partial(x + i, count - i)), count - i);
}

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

SX_INLINE f32x4 keep_nan(f32x4 b, f32x4 y) { return select(b != b, b, y); }

template <typename Op>
SX_INLINE void map2(BinaryOperand a, BinaryOperand b, float* y, int64_t count, Op op) {
  int64_t i = 0;
  if (a.scalar) {
    const f32x4 s = load_splat(a.data);
    for (; i + 4 <= count; i += 4) store(y + i, op(s, load(b.data + i)));
    if (i < count) store_partial(y + i, op(s, load_partial(b.data + i, count - i)), count - i);
    return;
  }
  if (b.scalar) {
    const f32x4 s = load_splat(b.data);
    for (; i + 4 <= count; i += 4) store(y + i, op(load(a.data + i), s));
    if (i < count) store_partial(y + i, op(load_partial(a.data + i, count - i), s), count - i);
    return;
  }
  for (; i + 4 <= count; i += 4) store(y + i, op(load(a.data + i), load(b.data + i)));
  if (i == count) return;
  const f32x4 last = op(load_partial(a.data + i, count - i), load_partial(b.data + i, count - i));
  store_partial(y + i, last, count - i);
}

void power(BinaryOperand a, BinaryOperand b, float* y, int64_t count) {
  if (b.scalar && !a.scalar && count > 0) {
    const float exponent = *b.data;
    if (exponent == 2.0f) return map(a.data, y, count, [](f32x4 x) { return x * x; });
    if (exponent == 3.0f) return map(a.data, y, count, [](f32x4 x) { return x * x * x; });
    if (exponent == 1.0f) return map(a.data, y, count, [](f32x4 x) { return x; });
    if (exponent == -1.0f) return map(a.data, y, count, [](f32x4 x) { return splat(1.0f) / x; });
    if (exponent == 0.5f) {
      // pow(-inf, 0.5) is inf and pow(-0, 0.5) is 0, unlike the square root.
      const f32x4 infinity = splat(std::numeric_limits<float>::infinity());
      return map(a.data, y, count, [=](f32x4 x) {
        return select(x == -infinity, infinity, sqrt(x + zero()));
      });
    }
  }
  for (int64_t i = 0; i < count; ++i) {
    y[i] = std::pow(a.data[a.scalar ? 0 : i], b.data[b.scalar ? 0 : i]);
  }
}

}  // namespace

void unary(UnaryKind kind, float a, float b, const float* x, float* y, int64_t count) {
  const f32x4 va = splat(a), vb = splat(b);
  switch (kind) {
    case UnaryKind::kRelu:
      return map(x, y, count, [](f32x4 v) { return pmax(v, zero()); });
    case UnaryKind::kClip:
      return map(x, y, count, [=](f32x4 v) { return pmin(pmax(v, va), vb); });
    case UnaryKind::kLeakyRelu:
      return map(x, y, count, [=](f32x4 v) { return select(v < zero(), v * va, v); });
    case UnaryKind::kSigmoid:
      return map(x, y, count, [](f32x4 v) { return sigmoid(v); });
    case UnaryKind::kTanh:
      return map(x, y, count, [](f32x4 v) { return tanh(v); });
    case UnaryKind::kHardSigmoid:
      return map(x, y, count, [=](f32x4 v) { return hard_sigmoid(v, va, vb); });
    case UnaryKind::kHardSwish:
      return map(x, y, count, [](f32x4 v) {
        return v * hard_sigmoid(v, splat(1.0f / 6.0f), splat(0.5f));
      });
    case UnaryKind::kSilu:
      return map(x, y, count, [](f32x4 v) { return silu(v); });
    case UnaryKind::kAbs:
      return map(x, y, count, [](f32x4 v) { return abs(v); });
    case UnaryKind::kNeg:
      return map(x, y, count, [](f32x4 v) { return -v; });
    case UnaryKind::kReciprocal:
      return map(x, y, count, [](f32x4 v) { return splat(1.0f) / v; });
    case UnaryKind::kSqrt:
      return map(x, y, count, [](f32x4 v) { return sqrt(v); });
    case UnaryKind::kFloor:
      return map(x, y, count, [](f32x4 v) { return floor(v); });
    case UnaryKind::kCeil:
      return map(x, y, count, [](f32x4 v) { return ceil(v); });
    case UnaryKind::kRound:
      return map(x, y, count, [](f32x4 v) { return nearest(v); });
    case UnaryKind::kExp:
      return map(x, y, count, [](f32x4 v) { return exp(v); });
    case UnaryKind::kLog:
      return map(x, y, count, [](f32x4 v) { return log(v); });
    case UnaryKind::kSin:
      return map(x, y, count, [](f32x4 v) {
        return within_turns(v, [](f32x4 u) { return sin(u); }, [](float u) { return std::sin(u); });
      });
    case UnaryKind::kCos:
      return map(x, y, count, [](f32x4 v) {
        return within_turns(v, [](f32x4 u) { return cos(u); }, [](float u) { return std::cos(u); });
      });
    case UnaryKind::kErf:
      return map(x, y, count, [](f32x4 v) { return erf(v); });
    case UnaryKind::kGelu:
      return map(x, y, count, [](f32x4 v) { return gelu(v); });
    case UnaryKind::kGeluTanh:
      return map(x, y, count, [](f32x4 v) { return gelu_tanh(v); });
    case UnaryKind::kElu:
      return map(x, y, count, [=](f32x4 v) { return elu(v, va); });
    case UnaryKind::kSoftplus:
      return map(x, y, count, [](f32x4 v) { return softplus(v); });
  }
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
    default:
      return;
  }
  unary(kind, activation.a, activation.b, x, x, count);
}

void binary(BinaryKind kind, BinaryOperand a, BinaryOperand b, float* y, int64_t count) {
  switch (kind) {
    case BinaryKind::kAdd:
      return map2(a, b, y, count, [](f32x4 u, f32x4 v) { return u + v; });
    case BinaryKind::kSub:
      return map2(a, b, y, count, [](f32x4 u, f32x4 v) { return u - v; });
    case BinaryKind::kMul:
      return map2(a, b, y, count, [](f32x4 u, f32x4 v) { return u * v; });
    case BinaryKind::kDiv:
      return map2(a, b, y, count, [](f32x4 u, f32x4 v) { return u / v; });
    case BinaryKind::kMin:
      return map2(a, b, y, count, [](f32x4 u, f32x4 v) { return keep_nan(v, pmin(u, v)); });
    case BinaryKind::kMax:
      return map2(a, b, y, count, [](f32x4 u, f32x4 v) { return keep_nan(v, pmax(u, v)); });
    case BinaryKind::kPow:
      return power(a, b, y, count);
  }
}

void scale_offset(const float* x, float scale, float offset, float* y, int64_t count) {
  const f32x4 s = splat(scale), o = splat(offset);
  map(x, y, count, [=](f32x4 v) { return madd(v, s, o); });
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
