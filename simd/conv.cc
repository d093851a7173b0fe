#include "simd/conv.h"

#include "simd/layout.h"

namespace sardonyx::simd {
namespace {

bool is_depthwise(const ConvSpec& spec) {
  return spec.groups > 1 && spec.groups == spec.in_channels && spec.groups == spec.out_channels;
}

// Groups start and end at block boundaries.
bool groups_fill_blocks(const ConvSpec& spec) {
  return spec.groups == 1 ||
         (spec.group_in() % kChannelBlock == 0 && spec.group_out() % kChannelBlock == 0);
}

// A tile of the indirect GEMM computes eight output channels, which are mostly padding where a
// group has fewer than four.
constexpr int64_t kLeastGroupOut = 4;

}  // namespace

ConvAlgorithm choose_conv(const ConvSpec& spec) {
  if (spec.spatial_axes > 2) return ConvAlgorithm::kDirect;
  if (is_depthwise(spec)) return ConvAlgorithm::kDepthwise;
  if (spec.group_out() < kLeastGroupOut) return ConvAlgorithm::kDirect;
  return ConvAlgorithm::kIndirect;
}

Result<Block> conv_pixel_offsets(const ConvShape& shape, int64_t row_pixels, int64_t pixel) {
  SX_ASSIGN(Block block,
            Block::allocate(static_cast<uint64_t>(shape.out_plane()) * sizeof(int32_t)));
  auto* to = block.as<int32_t>();
  for (int64_t y = 0; y < shape.out[1]; ++y) {
    for (int64_t x = 0; x < shape.out[2]; ++x) {
      *to++ =
          static_cast<int32_t>((y * shape.stride[1] * row_pixels + x * shape.stride[2]) * pixel);
    }
  }
  return block;
}

bool conv_takes_channel_blocks(const ConvSpec& spec) {
  switch (choose_conv(spec)) {
    case ConvAlgorithm::kIndirect:
      return groups_fill_blocks(spec);
    case ConvAlgorithm::kDepthwise:
      return true;
    case ConvAlgorithm::kDirect:
      return false;
  }
  return false;
}

}  // namespace sardonyx::simd
