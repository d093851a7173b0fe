// Operators of two or more operands with broadcasting; see ops/binary_map.h.
#include <cmath>

#include "base/power.h"
#include "ops/binary_operator.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/string_equal.h"
#include "simd/elementwise.h"

namespace sardonyx::ops {
namespace {

constexpr uint32_t kNumbers = kFloats | kIntegers;

// Signed arithmetic that wraps.
int64_t add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
int64_t subtract(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
int64_t multiply(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}
int64_t divide(int64_t a, int64_t b) {
  return b == -1 ? subtract(0, a) : a / b;
}
// The sign of the remainder is that of a (C) or of b (Python).
int64_t remainder_c(int64_t a, int64_t b) {
  return b == -1 ? 0 : a % b;
}
int64_t remainder_python(int64_t a, int64_t b) {
  const int64_t rest = remainder_c(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

double floored_remainder(double a, double b) {
  const double rest = std::fmod(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

uint64_t power_u64(uint64_t base, uint64_t exponent) {
  uint64_t out = 1;
  for (; exponent; exponent >>= 1, base *= base) {
    if (exponent & 1) out *= base;
  }
  return out;
}
int64_t power_i64(int64_t base, int64_t exponent) {
  if (exponent >= 0) {
    return static_cast<int64_t>(
        power_u64(static_cast<uint64_t>(base), static_cast<uint64_t>(exponent)));
  }
  if (base == 1) return 1;
  if (base == -1) return exponent & 1 ? -1 : 1;
  return 0;
}

template <typename T>
T smaller(T a, T b) {
  return a < b || a != a ? a : b;  // NaN when either is
}
template <typename T>
T larger(T a, T b) {
  return a > b || a != a ? a : b;
}

template <simd::BinaryKind kKind>
void simd_row(simd::BinaryOperand a, simd::BinaryOperand b, float* out, int64_t n) {
  simd::binary(kKind, a, b, out, n);
}

// Comparisons.
template <auto kFn>
constexpr BinarySpec comparison(std::string_view name, uint32_t flags) {
  return {.name = name,
          .flags = flags | kToBool,
          .f32 = dense_row<float, uint8_t, kFn>,
          .f64 = dense_row<double, uint8_t, kFn>,
          .i64 = dense_row<int64_t, uint8_t, kFn>,
          .u64 = dense_row<uint64_t, uint8_t, kFn>,
          .bytes = dense_row<uint8_t, uint8_t, kFn>};
}
constexpr BinarySpec kEqual =
    comparison<[](auto a, auto b) { return a == b; }>("equal", kNumbers | kBools);
constexpr BinarySpec kLess = comparison<[](auto a, auto b) { return a < b; }>("less", kNumbers);
constexpr BinarySpec kLessOrEqual =
    comparison<[](auto a, auto b) { return a <= b; }>("less_or_equal", kNumbers);
constexpr BinarySpec kGreater =
    comparison<[](auto a, auto b) { return a > b; }>("greater", kNumbers);
constexpr BinarySpec kGreaterOrEqual =
    comparison<[](auto a, auto b) { return a >= b; }>("greater_or_equal", kNumbers);

// One function for floats and unsigned integers, one for signed integers, which must wrap.
template <simd::BinaryKind kKind, auto kFn, auto kSigned>
constexpr BinarySpec arithmetic(std::string_view name, uint32_t flags) {
  return {.name = name,
          .flags = flags,
          .float_row = simd_row<kKind>,
          .f64 = dense_row<double, double, kFn>,
          .i64 = dense_row<int64_t, int64_t, kSigned>,
          .u64 = dense_row<uint64_t, uint64_t, kFn>};
}
constexpr BinarySpec kAdd =
    arithmetic<simd::BinaryKind::kAdd, [](auto a, auto b) { return a + b; }, add>("add", kNumbers);
constexpr BinarySpec kSub =
    arithmetic<simd::BinaryKind::kSub, [](auto a, auto b) { return a - b; }, subtract>("sub",
                                                                                       kNumbers);
constexpr BinarySpec kMul =
    arithmetic<simd::BinaryKind::kMul, [](auto a, auto b) { return a * b; }, multiply>("mul",
                                                                                       kNumbers);
constexpr BinarySpec kDiv =
    arithmetic<simd::BinaryKind::kDiv, [](auto a, auto b) { return a / b; }, divide>(
        "div", kNumbers | kDivides);
constexpr BinarySpec kMin =
    arithmetic<simd::BinaryKind::kMin, [](auto a, auto b) { return smaller(a, b); },
               smaller<int64_t>>("min", kNumbers);
constexpr BinarySpec kMax =
    arithmetic<simd::BinaryKind::kMax, [](auto a, auto b) { return larger(a, b); },
               larger<int64_t>>("max", kNumbers);

constexpr BinarySpec kPow = {
    .name = "pow",
    .flags = kNumbers | kMixedDTypes,
    .float_row = simd_row<simd::BinaryKind::kPow>,
    .f64 = dense_row<double, double, [](double a, double b) { return power(a, b); }>,
    .i64 = dense_row<int64_t, int64_t, power_i64>,
    .u64 = dense_row<uint64_t, uint64_t, power_u64>};
constexpr BinarySpec kPRelu = {
    .name = "prelu",
    .flags = kNumbers,
    .float_row = simd_row<simd::BinaryKind::kPRelu>,
    .f64 = dense_row<double, double, [](double a, double b) { return a < 0 ? a * b : a; }>,
    .i64 = dense_row<int64_t, int64_t,
                     [](int64_t a, int64_t b) { return a < 0 ? multiply(a, b) : a; }>,
    .u64 = dense_row<uint64_t, uint64_t, [](uint64_t a, uint64_t) { return a; }>};
constexpr BinarySpec kFmod = {
    .name = "fmod",
    .flags = kNumbers | kDivides,
    .f64 = dense_row<double, double, [](double a, double b) { return std::fmod(a, b); }>,
    .i64 = dense_row<int64_t, int64_t, remainder_c>,
    .u64 = dense_row<uint64_t, uint64_t, [](uint64_t a, uint64_t b) { return a % b; }>};
constexpr BinarySpec kMod = {
    .name = "mod",
    .flags = kNumbers | kDivides,
    .f64 = dense_row<double, double, floored_remainder>,
    .i64 = dense_row<int64_t, int64_t, remainder_python>,
    .u64 = dense_row<uint64_t, uint64_t, [](uint64_t a, uint64_t b) { return a % b; }>};

// Bytes that are not 0 are true.
constexpr BinarySpec kAnd = {
    .name = "and",
    .flags = kBools | kToBool,
    .bytes = dense_row<uint8_t, uint8_t, [](uint8_t a, uint8_t b) { return a != 0 && b != 0; }>};
constexpr BinarySpec kOr = {
    .name = "or",
    .flags = kBools | kToBool,
    .bytes = dense_row<uint8_t, uint8_t, [](uint8_t a, uint8_t b) { return (a | b) != 0; }>};
constexpr BinarySpec kXor = {
    .name = "xor",
    .flags = kBools | kToBool,
    .bytes =
        dense_row<uint8_t, uint8_t, [](uint8_t a, uint8_t b) { return (a != 0) != (b != 0); }>};

Status infer_binary(InferContext& context, const BinarySpec& spec) {
  return infer_operands(context, spec, 2, 2);
}

const BinarySpec& mod_spec(const Attributes& attributes) {
  return attributes.get_int("fmod", 0) ? kFmod : kMod;
}

}  // namespace

#define SX_BINARY(symbol, spec)                        \
  Status infer_##symbol(InferContext& context) {       \
    return infer_binary(context, spec);                \
  }                                                    \
  Result<KernelPtr> make_##symbol(const KernelInit&) { \
    return make_binary(spec);                          \
  }

SX_BINARY(add, kAdd)
SX_BINARY(sub, kSub)
SX_BINARY(mul, kMul)
SX_BINARY(div, kDiv)
SX_BINARY(pow, kPow)
SX_BINARY(less, kLess)
SX_BINARY(less_or_equal, kLessOrEqual)
SX_BINARY(greater, kGreater)
SX_BINARY(greater_or_equal, kGreaterOrEqual)
SX_BINARY(logical_and, kAnd)
SX_BINARY(logical_or, kOr)
SX_BINARY(logical_xor, kXor)
#undef SX_BINARY

Status infer_equal(InferContext& context) {
  if (!context.has_input(0) || context.inputs[0].dtype != DType::kString) {
    return infer_binary(context, kEqual);
  }
  SX_TRY(check_arity(context, 2, 2));
  SX_TRY(check_same_dtype(context, 0, 1));
  return set_broadcast_output(context, DType::kBool, 0, 2);
}
Result<KernelPtr> make_equal(const KernelInit& init) {
  return init.inputs[0].dtype == DType::kString ? make_string_equal(init) : make_binary(kEqual);
}

#define SX_VARIADIC(symbol, spec)                      \
  Status infer_##symbol(InferContext& context) {       \
    return infer_operands(context, spec, 1, SIZE_MAX); \
  }                                                    \
  Result<KernelPtr> make_##symbol(const KernelInit&) { \
    return make_binary(spec);                          \
  }

SX_VARIADIC(min, kMin)
SX_VARIADIC(max, kMax)
SX_VARIADIC(sum, kAdd)
#undef SX_VARIADIC

Status infer_mean(InferContext& context) {
  SX_TRY(check_arity(context, 1, SIZE_MAX));
  SX_TRY(check_dtype(context, 0,
                     {DType::kFloat32, DType::kFloat64, DType::kFloat16, DType::kBfloat16}));
  return infer_operands(context, kAdd, 1, SIZE_MAX);
}
Result<KernelPtr> make_mean(const KernelInit& init) {
  return make_scaled_binary(kAdd, 1.0 / static_cast<double>(init.inputs.size()));
}

Status infer_mod(InferContext& context) {
  return infer_binary(context, mod_spec(context.attributes));
}
Result<KernelPtr> make_mod(const KernelInit& init) {
  return make_binary(mod_spec(init.attributes));
}

// The slope broadcasts to x, not the other way round.
Status infer_prelu(InferContext& context) {
  SX_TRY(infer_binary(context, kPRelu));
  const ValueFacts& x = context.inputs[0];
  const ValueFacts& y = context.outputs[0];
  if (!x.has_shape || !y.has_shape) return same_as_input(context);
  bool grows = y.shape.rank() != x.shape.rank();
  for (int axis = 0; axis < x.shape.rank() && !grows; ++axis) {
    grows = x.shape[axis] >= 0 && y.shape[axis] >= 0 && x.shape[axis] != y.shape[axis];
  }
  if (grows) {
    return error(ErrorCode::SHAPE_MISMATCH, "slope of shape %s does not broadcast to %s",
                 context.inputs[1].shape.to_string().c_str(), x.shape.to_string().c_str());
  }
  return same_as_input(context);
}

Result<KernelPtr> make_prelu(const KernelInit&) {
  return make_binary(kPRelu);
}

}  // namespace sardonyx::ops
