#include "simd/conv.h"

#include <algorithm>

#include "base/checked.h"
#include "simd/layout.h"
#include "simd/winograd_line.h"
#include "simd/winograd_rows.h"

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
// group has fewer than four. That is still faster for 1x1 of channel blocks: 64 to 1 at 7 GFLOP/s,
// direct 3.
constexpr int64_t kLeastGroupOut = 4;

// Winograd against the indirect GEMM for maps that its tiles cover. GFLOP/s of the direct
// convolution, Chromium 156, relaxed SIMD, one thread, as many filters as channels, map 56x56:
//   channels    4    8   16   32   64  128  256
//   indirect   22   48   53   56   56   55   55
//   F(2,3)     16   35   57   80   99  107  114
//   F(4,3)     30   64  102  141  173  194  179
//   5x5:
//   indirect   25   54   56   56   56   56
//   F(2,5)     24   53   79  105  120  136
// Along a line (magika 5x1, 256 to 512; 5x5, 8, 16 and 32 to twice as many; 3x39, 8 to 8):
//   indirect   47;  35  43  48;  46
//   line       66;  49  67  84;  70
// Smaller maps lose what their tiles have outside (7x7 of 8x8: 127 instead of 173), and with fewer
// than four tiles the GEMM is faster.
struct WinogradGain {
  double width;  // from so many channels and filters on, by their harmonic mean
  double of_4x4, of_2x2, of_5x5;
};
constexpr WinogradGain kWinogradGains[] = {
    {64, 3.1, 1.8, 2.1}, {32, 2.5, 1.4, 1.8}, {16, 1.9, 1.1, 1.35}, {4, 1.3, 0.7, 0.95}};
constexpr double kLineGain = 1.5;
// Three taps along a line take tiles of six outputs, four at least.
constexpr int64_t kLeastLineOfThree = 24;
constexpr double kLeastWinogradGain = 1.1;
constexpr double kTileUseOfUnknownMaps = 0.8;

// The part of the tiles' outputs that lies in the map.
double tile_use(int64_t height, int64_t width, int64_t tile) {
  if (height < 0 || width < 0) return kTileUseOfUnknownMaps;
  const int64_t rows = ceil_div(height, tile), columns = ceil_div(width, tile);
  if (rows * columns < 4) return 0;
  return static_cast<double>(height * width) / static_cast<double>(rows * columns * tile * tile);
}

}  // namespace

bool winograd_takes(const ConvSpec& spec, int tile) {
  if (spec.spatial_axes != 2 || is_depthwise(spec) || !groups_fill_blocks(spec)) return false;
  if (spec.group_out() < kLeastGroupOut) return false;
  const int64_t taps = spec.kernel[1];
  if (!(taps == 3 && (tile == 2 || tile == 4)) && !(taps == 5 && tile == 2)) return false;
  for (int axis = 1; axis < 3; ++axis) {
    if (spec.kernel[axis] != taps || spec.stride[axis] != 1 || spec.dilation[axis] != 1)
      return false;
  }
  return spec.in_layout == Layout::kNC4HW4 && spec.out_layout == Layout::kNC4HW4;
}

int best_winograd_tile(const ConvSpec& spec, int64_t height, int64_t width, int largest) {
  if (spec.spatial_axes > 2)
    return largest >= kRowsTile && winograd_rows_takes(spec) ? kRowsTile : 0;
  const auto in = static_cast<double>(spec.group_in()), out = static_cast<double>(spec.group_out());
  const double mean = 2 * in * out / (in + out);
  const auto* row = std::find_if(std::begin(kWinogradGains), std::end(kWinogradGains),
                                 [&](const WinogradGain& gain) { return mean >= gain.width; });
  const bool is_long =
      spec.taps() != 3 || (spec.kernel[1] == 3 ? height : width) >= kLeastLineOfThree;
  const bool by_line = winograd_line_takes(spec) && is_long;
  double best = by_line ? kLineGain : kLeastWinogradGain;
  int tile = by_line ? kLineTile : 0;
  if (row == std::end(kWinogradGains)) return tile;
  for (int candidate = 2; candidate <= largest; candidate += 2) {
    if (!winograd_takes(spec, candidate)) continue;
    const double covered = spec.kernel[1] == 5 ? row->of_5x5
                           : candidate == 4    ? row->of_4x4
                                               : row->of_2x2;
    const double gain = covered * tile_use(height, width, candidate);
    if (gain > best) {
      best = gain;
      tile = candidate;
    }
  }
  return tile;
}

ConvAlgorithm choose_conv(const ConvSpec& spec) {
  if (spec.winograd_tile == kRowsTile) return ConvAlgorithm::kWinogradRows;
  if (spec.spatial_axes > 2) return ConvAlgorithm::kDirect;
  if (spec.winograd_tile == kLineTile) return ConvAlgorithm::kWinogradLine;
  if (spec.winograd_tile > 0) return ConvAlgorithm::kWinograd;
  if (is_depthwise(spec)) return ConvAlgorithm::kDepthwise;
  const bool pixel_by_pixel =
      spec.groups == 1 && spec.taps() == 1 && spec.in_layout == Layout::kNC4HW4;
  if (spec.group_out() < kLeastGroupOut && !pixel_by_pixel) return ConvAlgorithm::kDirect;
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
    case ConvAlgorithm::kWinograd:
    case ConvAlgorithm::kDepthwise:
    case ConvAlgorithm::kWinogradLine:
      return true;
    case ConvAlgorithm::kWinogradRows:
    case ConvAlgorithm::kDirect:
      return false;
  }
  return false;
}

}  // namespace sardonyx::simd
