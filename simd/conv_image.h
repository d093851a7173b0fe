// Convolutions that put an image in an order of their own before they multiply.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "simd/activation.h"

namespace sardonyx::simd {

// One image of a batch, as it is multiplied.
struct ConvImage {
  const float* x;  // staged
  const float* packed;
  const float* bias;
  const float* add;  // or null
  float* y;
  const Activation& activation;
};

// Floats of an image.
struct ImageFloats {
  int64_t in, out;
};

// For each image of a batch: `stage` puts it into `staged`, `multiply` reads it there; null: it is
// read where it lies. `first` is the first image before it is staged.
template <typename Stage, typename Multiply>
Status run_images(int64_t batch, const ImageFloats& floats, const ConvImage& first,
                  const float* staged, Stage stage, Multiply multiply) {
  if (floats.out == 0) return {};
  for (int64_t n = 0; n < batch; ++n) {
    const float* x = first.x + n * floats.in;
    if (staged) SX_TRY(stage(x));
    SX_TRY(multiply(ConvImage{staged ? staged : x, first.packed, first.bias,
                              first.add ? first.add + n * floats.out : nullptr,
                              first.y + n * floats.out, first.activation}));
  }
  return {};
}

}  // namespace sardonyx::simd
