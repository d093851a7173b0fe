// Activations that kernels apply to their results before these leave the cache.
#pragma once

#include <cstdint>
#include <limits>

namespace sardonyx::simd {

enum class ActivationKind : uint8_t {
  kNone,
  kRelu,         // max(x, 0)
  kClip,         // min(max(x, a), b)
  kLeakyRelu,    // x < 0 ? a * x : x
  kSigmoid,      // 1 / (1 + exp(-x))
  kTanh,         //
  kHardSigmoid,  // max(0, min(1, a * x + b))
  kHardSwish,    // x * max(0, min(1, x / 6 + 0.5))
  kSilu,         // x * sigmoid(x)
  kGelu,         // x / 2 * (1 + erf(x / sqrt(2)))
};

struct Activation {
  ActivationKind kind = ActivationKind::kNone;
  float a = 0.0f;
  float b = 0.0f;
};

// Bounds of the clamp that ends every tile: those of Relu and Clip, infinite for all others, which
// activate() (simd/elementwise.h) applies afterwards.
struct ClampBounds {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
};
constexpr ClampBounds clamp_bounds(const Activation& activation) {
  if (activation.kind == ActivationKind::kRelu) return {.low = 0.0f};
  if (activation.kind == ActivationKind::kClip) return {activation.a, activation.b};
  return {};
}
constexpr bool is_clamp(ActivationKind kind) {
  return kind == ActivationKind::kNone || kind == ActivationKind::kRelu ||
         kind == ActivationKind::kClip;
}

}  // namespace sardonyx::simd
