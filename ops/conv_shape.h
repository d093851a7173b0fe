// The shape rule and the geometry that all convolutions share.
#pragma once

#include <cstddef>

#include "ops/operator.h"
#include "ops/window.h"
#include "simd/conv.h"

namespace sardonyx::ops {

// Which inputs of a node are what.
struct ConvInputs {
  size_t x = 0, w = 1, bias = 2;
};

// Checks attributes and shapes and sets output 0 to a tensor of `dtype`. ATTRIBUTE_INVALID,
// SHAPE_MISMATCH.
Status infer_conv_shape(InferContext& context, const ConvInputs& at, DType dtype);

// From attributes and the shape of the weights, which must be known. MODEL_UNSUPPORTED above three
// axes.
Result<simd::ConvSpec> conv_spec(const Attributes& attributes, const Shape& weights,
                                 Layout in_layout, Layout out_layout, Window& window);

// The same for inputs and outputs of known shape.
Result<simd::ConvShape> conv_shape(const simd::ConvSpec& spec, const Window& window, const Shape& x,
                                   const Shape& y);

}  // namespace sardonyx::ops
