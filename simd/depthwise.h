// Depthwise convolution on channel blocks: one filter per channel, input and output NC4HW4.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/status.h"
#include "simd/activation.h"
#include "simd/conv.h"

namespace sardonyx::simd {

// Floats of the packed weights, [channel block][tap][4], and of the bias; zero beyond the channels.
int64_t depthwise_packed_size(const ConvSpec& spec);
// From weights [channels, 1, height, width].
void depthwise_pack(const ConvSpec& spec, const float* weights, float* packed);

class DepthwiseConv {
 public:
  // Layouts in `shape` are ignored.
  explicit DepthwiseConv(const ConvShape& shape) : shape_(shape) {}
  // y = act(conv(x) + bias + add). `bias` has conv_bias_size() floats (conv_indirect.h); `add`, if
  // not null, is like y.
  Status run(const float* x, const float* packed, const float* bias, const float* add,
             const Activation& activation, float* y) const;

 private:
  ConvShape shape_;
};

}  // namespace sardonyx::simd
