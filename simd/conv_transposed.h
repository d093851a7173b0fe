// Transposed convolution over one to three axes: a 1x1 convolution gives what each input pixel adds
// to its window of the output, with a channel per filter and tap, and every output element gathers
// its part of that. The filters pass in parts, so that what lies between the two stays small.
#pragma once

#include <cstdint>
#include <optional>

#include "base/block.h"
#include "base/status.h"
#include "simd/conv.h"
#include "simd/conv_indirect.h"

namespace sardonyx::simd {

// Floats of the packed weights; nullopt on overflow.
std::optional<int64_t> transposed_packed_size(const ConvSpec& spec);
// From weights [in_channels, group_out, depth, height, width]. Depends on out_layout.
void transposed_pack(const ConvSpec& spec, const float* weights, float* packed);

class TransposedConv {
 public:
  // in, out, pad, kernel, stride and dilation of the transposed convolution: input element i adds
  // to the outputs i * stride + tap * dilation - pad, where pad may be negative. Channel blocks
  // take one group, and filters that fill them. LIMIT_EXCEEDED, OUT_OF_MEMORY.
  static Result<TransposedConv> make(const ConvShape& shape);

  // Floats of scratch that run() needs; nullopt on overflow.
  std::optional<int64_t> scratch_floats() const;

  // y = conv(x) + bias; `bias` may be null.
  Status run(const float* x, const float* packed, const float* bias, float* y,
             float* scratch) const;

 private:
  Status gather(const float* parts, const float* bias, int64_t units, float* y) const;
  void add_taps(const float* parts, int64_t row, int64_t phase, int64_t begin, int64_t end,
                float* sums) const;
  void gather_row(const float* parts, const float* bias, int64_t row, float* y) const;

  ConvShape shape_;
  int64_t lanes_ = 1;       // floats per pixel of the output
  int64_t units_ = 0;       // filters or blocks of filters per group
  int64_t part_units_ = 0;  // of one part
  IndirectConv part_, last_part_;
  Block zeros_;  // the bias of the 1x1 convolution
};

}  // namespace sardonyx::simd
