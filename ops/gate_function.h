// The activations of recurrent layers.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "ops/attributes.h"
#include "simd/elementwise.h"

namespace sardonyx::ops {

// The default is the sigmoid.
struct GateFunction {
  enum class Kind : uint8_t { kUnary, kAffine, kScaledTanh };
  Kind kind = Kind::kUnary;
  simd::UnaryKind unary = simd::UnaryKind::kSigmoid;
  float a = 0.0f, b = 0.0f;

  bool operator==(const GateFunction&) const = default;
  void apply(float* x, int64_t count) const { apply(x, x, count); }
  void apply(const float* x, float* y, int64_t count) const {
    switch (kind) {
      case Kind::kUnary:
        return simd::unary(unary, a, b, x, y, count);
      case Kind::kAffine:
        return simd::scale_offset(x, a, b, y, count);
      case Kind::kScaledTanh:
        simd::scale_offset(x, b, 0.0f, y, count);
        simd::unary(simd::UnaryKind::kTanh, 0.0f, 0.0f, y, y, count);
        return simd::scale_offset(y, a, 0.0f, y, count);
    }
  }
};

inline constexpr GateFunction kTanhFunction{GateFunction::Kind::kUnary, simd::UnaryKind::kTanh};

// The attributes activations, activation_alpha and activation_beta into `functions`, which hold the
// defaults. ATTRIBUTE_INVALID unless there are as many names or none, MODEL_UNSUPPORTED for unknown
// names.
Status read_gate_functions(const Attributes& attributes, std::span<GateFunction> functions);

}  // namespace sardonyx::ops
