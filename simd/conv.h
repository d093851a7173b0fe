// Convolutions: what they have in common, and which algorithm computes one.
//
// All are fp32 over two axes (a 1-D convolution has height 1); conv_direct.h also takes three.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/block.h"
#include "base/tensor.h"

namespace sardonyx::simd {

// The Winograd tiles of winograd_line.h and winograd_rows.h.
inline constexpr int kLineTile = 1, kRowsTile = 3;

// What is known of a convolution from its weights and attributes alone.
struct ConvSpec {
  int64_t groups = 1;
  int64_t in_channels = 0;        // of all groups
  int64_t out_channels = 0;       // of all groups
  int spatial_axes = 2;           // 1 to 3
  int64_t kernel[3] = {1, 1, 1};  // depth, height, width; leading axes that do not exist are 1
  int64_t stride[3] = {1, 1, 1};
  int64_t dilation[3] = {1, 1, 1};
  Layout in_layout = Layout::kRowMajor;
  Layout out_layout = Layout::kRowMajor;
  // 4 or 2: by Winograd's algorithm with tiles of so many outputs a side; kLineTile and kRowsTile:
  // along one axis.
  int winograd_tile = 0;

  int64_t group_in() const { return in_channels / groups; }
  int64_t group_out() const { return out_channels / groups; }
  int64_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }
  // Multiply-adds per output element.
  int64_t depth() const { return taps() * group_in(); }
};

// The same with the extents of one binding. Padding after the last element follows from out.
struct ConvShape : ConvSpec {
  int64_t batch = 1;
  int64_t in[3] = {1, 1, 1};
  int64_t out[3] = {1, 1, 1};
  int64_t pad[3] = {0, 0, 0};  // before the first element

  int64_t in_plane() const { return in[0] * in[1] * in[2]; }
  int64_t out_plane() const { return out[0] * out[1] * out[2]; }
};

enum class ConvAlgorithm : uint8_t {
  kIndirect,      // GEMM over an indirection table; 1x1 and first layers included
  kWinograd,      // what ConvSpec::winograd_tile asks for
  kDepthwise,     // one channel per group, channel-blocked
  kWinogradLine,  // the same with kLineTile
  kWinogradRows,  // the same with kRowsTile, row-major; three axes
  kDirect,        // vectorised along the width, row-major; few output channels, and three axes
};

// The one place where an algorithm is chosen. Depends on nothing that changes between bindings, so
// that weights are packed once.
ConvAlgorithm choose_conv(const ConvSpec& spec);

// Whether Winograd's algorithm computes this convolution with such tiles.
bool winograd_takes(const ConvSpec& spec, int tile);
// The Winograd tile that makes a convolution, of two axes on channel blocks, fastest, at most
// `largest`; 0 when that is another algorithm. `height` and `width` are those of the map,
// kUnknownDim where bindings differ.
int best_winograd_tile(const ConvSpec& spec, int64_t height, int64_t width, int largest);

// Where the window of each output pixel starts in a padded image whose rows are `row_pixels` apart
// and whose pixels have `pixel` elements: int32, row after row.
Result<Block> conv_pixel_offsets(const ConvShape& shape, int64_t row_pixels, int64_t pixel);

// Whether some algorithm reads and writes channel blocks for this convolution.
bool conv_takes_channel_blocks(const ConvSpec& spec);

}  // namespace sardonyx::simd
