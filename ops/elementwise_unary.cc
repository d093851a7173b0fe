// Operators of one operand; see ops/unary_map.h.
#include <cmath>

#include "base/angle.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/unary_map.h"

namespace sardonyx::ops {
namespace {

using P = const UnaryParams&;

class UnaryKernel final : public Kernel {
 public:
  UnaryKernel(const UnarySpec& spec, P p) : spec_(spec), params_(p) {}
  Status run(const RunContext& context) const override {
    return apply_unary(spec_, params_, context.inputs[0], context.outputs[0]);
  }
  std::string_view name() const override { return spec_.name; }

 private:
  const UnarySpec& spec_;
  UnaryParams params_;
};

Status infer_unary(InferContext& context, const UnarySpec& spec) {
  SX_TRY(check_arity(context, 1, 1));
  SX_TRY(check_unary_dtype(spec, context.inputs[0].dtype));
  return same_as_input(context);
}

Result<KernelPtr> make_unary(const KernelInit& init, const UnarySpec& spec) {
  UnaryParams p;
  if (spec.a) p.a = init.attributes.get_float(spec.a, spec.a_default);
  if (spec.b) p.b = init.attributes.get_float(spec.b, spec.b_default);
  return KernelPtr(std::make_unique<UnaryKernel>(spec, p));
}

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}
double softplus(double x) {
  return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}
double clamp01(double x) {
  return x < 0 ? 0 : x > 1 ? 1 : x;
}
// x * gate, and 0 where the gate is closed: an infinite x must not make a NaN there.
double gated(double x, double gate) {
  return gate == 0 ? 0 : x * gate;
}

constexpr UnarySpec kAbs = {
    .name = "abs",
    .f32 = simd_map<simd::UnaryKind::kAbs>,
    .f64 = [](double x, P) { return std::fabs(x); },
    .i64 = [](int64_t x,
              P) { return x < 0 ? static_cast<int64_t>(0 - static_cast<uint64_t>(x)) : x; },
    .u64 = [](uint64_t x, P) { return x; }};
constexpr UnarySpec kNeg = {
    .name = "neg",
    .f32 = simd_map<simd::UnaryKind::kNeg>,
    .f64 = [](double x, P) { return -x; },
    .i64 = [](int64_t x, P) { return static_cast<int64_t>(0 - static_cast<uint64_t>(x)); }};
constexpr UnarySpec kRelu = {.name = "relu",
                             .f32 = simd_map<simd::UnaryKind::kRelu>,
                             .f64 = [](double x, P) { return x < 0 ? 0 : x; },
                             .i64 = [](int64_t x, P) { return x < 0 ? 0 : x; },
                             .u64 = [](uint64_t x, P) { return x; }};
constexpr UnarySpec kSign = {.name = "sign",
                             .f64 = [](double x, P) { return x > 0   ? 1
                                                             : x < 0 ? -1
                                                                     : x; },
                             .i64 = [](int64_t x, P) { return int64_t{x > 0} - int64_t{x < 0}; },
                             .u64 = [](uint64_t x, P) { return uint64_t{x > 0}; }};
constexpr UnarySpec kLeakyRelu = {.name = "leaky_relu",
                                  .f32 = simd_map<simd::UnaryKind::kLeakyRelu>,
                                  .f64 = [](double x, P p) { return x < 0 ? p.a * x : x; },
                                  .a = "alpha",
                                  .a_default = 0.01f};
constexpr UnarySpec kHardSigmoid = {.name = "hard_sigmoid",
                                    .f32 = simd_map<simd::UnaryKind::kHardSigmoid>,
                                    .f64 = [](double x, P p) { return clamp01(p.a * x + p.b); },
                                    .a = "alpha",
                                    .a_default = 0.2f,
                                    .b = "beta",
                                    .b_default = 0.5f};
constexpr UnarySpec kHardSwish = {.name = "hard_swish",
                                  .f32 = simd_map<simd::UnaryKind::kHardSwish>,
                                  .f64 = [](double x, P) { return x * clamp01(x / 6 + 0.5); }};
constexpr UnarySpec kElu = {.name = "elu",
                            .f32 = simd_map<simd::UnaryKind::kElu>,
                            .f64 = [](double x, P p) { return x < 0 ? p.a * std::expm1(x) : x; },
                            .a = "alpha",
                            .a_default = 1};
constexpr UnarySpec kSelu = {
    .name = "selu",
    .f64 = [](double x, P p) { return p.b * (x > 0 ? x : p.a * std::expm1(x)); },
    .a = "alpha",
    .a_default = 1.67326319217681884765625f,
    .b = "gamma",
    .b_default = 1.05070102214813232421875f};
constexpr UnarySpec kCelu = {
    .name = "celu",
    .f64 = [](double x, P p) { return x > 0 ? x : p.a * std::expm1(x / p.a); },
    .a = "alpha",
    .a_default = 1};
constexpr UnarySpec kThresholdedRelu = {.name = "thresholded_relu",
                                        .f64 = [](double x, P p) { return x <= p.a ? 0 : x; },
                                        .a = "alpha",
                                        .a_default = 1};
constexpr UnarySpec kShrink = {
    .name = "shrink",
    .f64 = [](double x, P p) { return x < -p.a  ? x + p.b
                                      : x > p.a ? x - p.b
                                                : 0; },
    .a = "lambd",
    .a_default = 0.5f,
    .b = "bias"};
constexpr UnarySpec kSoftplus = {.name = "softplus",
                                 .f32 = simd_map<simd::UnaryKind::kSoftplus>,
                                 .f64 = [](double x, P) { return softplus(x); }};
constexpr UnarySpec kSoftsign = {.name = "softsign",
                                 .f64 = [](double x, P) { return x / (1 + std::fabs(x)); }};
constexpr UnarySpec kMish = {.name = "mish",
                             .f64 = [](double x, P) { return gated(x, std::tanh(softplus(x))); }};
constexpr UnarySpec kSigmoid = {.name = "sigmoid",
                                .f32 = simd_map<simd::UnaryKind::kSigmoid>,
                                .f64 = [](double x, P) { return sigmoid(x); }};
constexpr UnarySpec kSilu = {.name = "silu",
                             .f32 = simd_map<simd::UnaryKind::kSilu>,
                             .f64 = [](double x, P) { return gated(x, sigmoid(x)); }};
constexpr UnarySpec kSwish = {.name = "swish",
                              .f64 = [](double x, P p) { return gated(x, sigmoid(p.a * x)); },
                              .a = "alpha",
                              .a_default = 1};
constexpr UnarySpec kTanh = {.name = "tanh",
                             .f32 = simd_map<simd::UnaryKind::kTanh>,
                             .f64 = [](double x, P) { return std::tanh(x); }};
constexpr UnarySpec kExp = {.name = "exp",
                            .f32 = simd_map<simd::UnaryKind::kExp>,
                            .f64 = [](double x, P) { return std::exp(x); }};
constexpr UnarySpec kLog = {.name = "log",
                            .f32 = simd_map<simd::UnaryKind::kLog>,
                            .f64 = [](double x, P) { return std::log(x); }};
constexpr UnarySpec kSqrt = {.name = "sqrt",
                             .f32 = simd_map<simd::UnaryKind::kSqrt>,
                             .f64 = [](double x, P) { return std::sqrt(x); }};
constexpr UnarySpec kErf = {.name = "erf",
                            .f32 = simd_map<simd::UnaryKind::kErf>,
                            .f64 = [](double x, P) { return std::erf(x); }};
constexpr UnarySpec kReciprocal = {.name = "reciprocal",
                                   .f32 = simd_map<simd::UnaryKind::kReciprocal>,
                                   .f64 = [](double x, P) { return 1 / x; }};
constexpr UnarySpec kFloor = {.name = "floor",
                              .f32 = simd_map<simd::UnaryKind::kFloor>,
                              .f64 = [](double x, P) { return std::floor(x); }};
constexpr UnarySpec kCeil = {.name = "ceil",
                             .f32 = simd_map<simd::UnaryKind::kCeil>,
                             .f64 = [](double x, P) { return std::ceil(x); }};
constexpr UnarySpec kRound = {.name = "round",
                              .f32 = simd_map<simd::UnaryKind::kRound>,
                              .f64 = [](double x, P) { return std::nearbyint(x); }};
constexpr UnarySpec kSin = {.name = "sin",
                            .f32 = simd_map<simd::UnaryKind::kSin>,
                            .f64 = [](double x, P) { return sine(x); }};
constexpr UnarySpec kCos = {.name = "cos",
                            .f32 = simd_map<simd::UnaryKind::kCos>,
                            .f64 = [](double x, P) { return cosine(x); }};
constexpr UnarySpec kTan = {.name = "tan", .f64 = [](double x, P) { return tangent(x); }};
constexpr UnarySpec kAsin = {.name = "asin", .f64 = [](double x, P) { return std::asin(x); }};
constexpr UnarySpec kAcos = {.name = "acos", .f64 = [](double x, P) { return std::acos(x); }};
constexpr UnarySpec kAtan = {.name = "atan", .f64 = [](double x, P) { return std::atan(x); }};
constexpr UnarySpec kSinh = {.name = "sinh", .f64 = [](double x, P) { return std::sinh(x); }};
constexpr UnarySpec kCosh = {.name = "cosh", .f64 = [](double x, P) { return std::cosh(x); }};
constexpr UnarySpec kAsinh = {.name = "asinh", .f64 = [](double x, P) { return std::asinh(x); }};
constexpr UnarySpec kAcosh = {.name = "acosh", .f64 = [](double x, P) { return std::acosh(x); }};
constexpr UnarySpec kAtanh = {.name = "atanh", .f64 = [](double x, P) { return std::atanh(x); }};

constexpr UnarySpec kGelu = {
    .name = "gelu", .f32 = simd_map<simd::UnaryKind::kGelu>, .f64 = [](double x, P) {
      return gated(x, 0.5 * (1 + std::erf(x * 0.70710678118654752440)));
    }};
constexpr UnarySpec kGeluTanh = {
    .name = "gelu_tanh", .f32 = simd_map<simd::UnaryKind::kGeluTanh>, .f64 = [](double x, P) {
      return gated(x, 0.5 * (1 + std::tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x))));
    }};

}  // namespace

#define SX_UNARY(symbol, spec)                              \
  Status infer_##symbol(InferContext& context) {            \
    return infer_unary(context, spec);                      \
  }                                                         \
  Result<KernelPtr> make_##symbol(const KernelInit& init) { \
    return make_unary(init, spec);                          \
  }

SX_UNARY(abs, kAbs)
SX_UNARY(neg, kNeg)
SX_UNARY(relu, kRelu)
SX_UNARY(sign, kSign)
SX_UNARY(leaky_relu, kLeakyRelu)
SX_UNARY(hard_sigmoid, kHardSigmoid)
SX_UNARY(hard_swish, kHardSwish)
SX_UNARY(elu, kElu)
SX_UNARY(selu, kSelu)
SX_UNARY(celu, kCelu)
SX_UNARY(thresholded_relu, kThresholdedRelu)
SX_UNARY(shrink, kShrink)
SX_UNARY(softplus, kSoftplus)
SX_UNARY(softsign, kSoftsign)
SX_UNARY(mish, kMish)
SX_UNARY(sigmoid, kSigmoid)
SX_UNARY(silu, kSilu)
SX_UNARY(swish, kSwish)
SX_UNARY(tanh, kTanh)
SX_UNARY(exp, kExp)
SX_UNARY(log, kLog)
SX_UNARY(sqrt, kSqrt)
SX_UNARY(erf, kErf)
SX_UNARY(reciprocal, kReciprocal)
SX_UNARY(floor, kFloor)
SX_UNARY(ceil, kCeil)
SX_UNARY(round, kRound)
SX_UNARY(sin, kSin)
SX_UNARY(cos, kCos)
SX_UNARY(tan, kTan)
SX_UNARY(asin, kAsin)
SX_UNARY(acos, kAcos)
SX_UNARY(atan, kAtan)
SX_UNARY(sinh, kSinh)
SX_UNARY(cosh, kCosh)
SX_UNARY(asinh, kAsinh)
SX_UNARY(acosh, kAcosh)
SX_UNARY(atanh, kAtanh)
#undef SX_UNARY

Status infer_gelu(InferContext& context) {
  const auto form = context.attributes.get_string("approximate", "none");
  if (form != "none" && form != "tanh") {
    return error(ErrorCode::ATTRIBUTE_INVALID, "attribute 'approximate' is neither none nor tanh");
  }
  return infer_unary(context, kGelu);
}

Result<KernelPtr> make_gelu(const KernelInit& init) {
  const bool tanh_form = init.attributes.get_string("approximate", "none") == "tanh";
  return make_unary(init, tanh_form ? kGeluTanh : kGelu);
}

}  // namespace sardonyx::ops
