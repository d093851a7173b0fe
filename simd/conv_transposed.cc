#include "simd/conv_transposed.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "simd/gemm_tile.h"
#include "simd/layout.h"
#include "simd/parallel.h"
#include "simd/v128.h"

namespace sardonyx::simd {
namespace {

// What lies between the 1x1 convolution and the gathering: 1 MiB.
constexpr int64_t kPartFloats = 1 << 18;
// Filters of a part are a multiple of this, so that its columns start with a panel.
constexpr int64_t kPartFilters = kPanel;
constexpr int64_t kSumFloats = 256;
constexpr double kNsPerSum = 0.15, kNsPerOutput = 0.5;

int64_t lanes_of(const ConvSpec& spec) {
  return spec.out_layout == Layout::kNC4HW4 ? kChannelBlock : 1;
}

// Channels of the 1x1 convolution per group: [filter or block of filters][tap][lane].
std::optional<int64_t> columns_of(const ConvSpec& spec) {
  return checked_mul(spec.group_out(), spec.taps());
}

// Input pixels times `columns` of a group.
ConvShape part_shape(const ConvShape& shape, int64_t columns) {
  ConvShape part;
  part.in_channels = shape.group_in();
  part.out_channels = columns;
  part.in_layout = shape.in_layout;
  part.out_layout = shape.out_layout;
  part.in[2] = part.out[2] = shape.in_plane();
  return part;
}

// Inputs that add to output element `at` of an axis with tap `tap`: i = (at + pad - tap * dilation)
// / stride, where there is no rest; `first` may be outside the input.
bool source(const ConvShape& shape, int axis, int64_t at, int64_t tap, int64_t& first) {
  const int64_t scaled = at + shape.pad[axis] - tap * shape.dilation[axis];
  first = scaled / shape.stride[axis];
  return first * shape.stride[axis] == scaled;
}
bool source_inside(const ConvShape& shape, int axis, int64_t at, int64_t tap, int64_t& i) {
  return source(shape, axis, at, tap, i) && i >= 0 && i < shape.in[axis];
}

}  // namespace

std::optional<int64_t> transposed_packed_size(const ConvSpec& spec) {
  const auto columns = columns_of(spec);
  if (!columns || *columns > INT64_MAX - kPanel) return std::nullopt;
  return checked_mul(round_up<int64_t>(*columns, kPanel), spec.in_channels);
}

void transposed_pack(const ConvSpec& spec, const float* weights, float* packed) {
  const int64_t lanes = lanes_of(spec), taps = spec.taps(), filters = spec.group_out();
  const int64_t columns = columns_of(spec).value_or(0), depth = spec.group_in();
  for (int64_t group = 0; group < spec.groups; ++group, weights += depth * filters * taps) {
    for (int64_t panel = 0; panel < columns; panel += kPanel) {
      for (int64_t i = 0; i < kPanel; ++i) {
        const int64_t column = panel + i, filter = column / lanes / taps * lanes + column % lanes;
        const float* from = weights + filter * taps + column / lanes % taps;
        for (int64_t k = 0; k < depth; ++k) {
          packed[k * kPanel + i] = column < columns ? from[k * filters * taps] : 0.0f;
        }
      }
      packed += depth * kPanel;
    }
  }
}

Result<TransposedConv> TransposedConv::make(const ConvShape& shape) {
  TransposedConv conv;
  conv.shape_ = shape;
  conv.lanes_ = lanes_of(shape);
  conv.units_ = shape.group_out() / conv.lanes_;
  const auto columns = columns_of(shape);
  const auto all = checked_mul(columns.value_or(INT64_MAX), std::max<int64_t>(shape.in_plane(), 1));
  if (!columns || !all) return error(ErrorCode::LIMIT_EXCEEDED, "the number of filters overflows");
  const int64_t step = kPartFilters / conv.lanes_;
  const int64_t per_unit = std::max<int64_t>(*all / std::max<int64_t>(conv.units_, 1), 1);
  conv.part_units_ =
      std::min(conv.units_, round_up(std::max<int64_t>(kPartFloats / per_unit, 1), step));
  const int64_t unit_columns = conv.lanes_ * shape.taps();
  const int64_t rest = conv.units_ % std::max<int64_t>(conv.part_units_, 1);
  SX_ASSIGN(conv.part_, IndirectConv::make(part_shape(shape, conv.part_units_ * unit_columns)));
  SX_ASSIGN(conv.last_part_, IndirectConv::make(part_shape(shape, rest * unit_columns)));
  const int64_t bias = conv_bias_size(part_shape(shape, conv.part_units_ * unit_columns));
  SX_ASSIGN(conv.zeros_, Block::allocate(static_cast<uint64_t>(bias) * sizeof(float)));
  std::memset(conv.zeros_.data(), 0, conv.zeros_.size());
  return conv;
}

std::optional<int64_t> TransposedConv::scratch_floats() const {
  const auto parts = checked_mul(part_units_ * lanes_ * shape_.taps(), shape_.in_plane());
  if (!parts || *parts > INT64_MAX - part_.scratch_floats()) return std::nullopt;
  return *parts + part_.scratch_floats();
}

// Adds what the unit's taps say of the outputs phase + stride * [begin, end) of a row to `sums`.
void TransposedConv::add_taps(const float* parts, int64_t row, int64_t phase, int64_t begin,
                              int64_t end, float* sums) const {
  const ConvShape& s = shape_;
  int64_t z = 0, h = 0, x = 0;
  for (int64_t i = 0; i < s.kernel[0]; ++i) {
    if (!source_inside(s, 0, row / s.out[1], i, z)) continue;
    for (int64_t j = 0; j < s.kernel[1]; ++j) {
      if (!source_inside(s, 1, row % s.out[1], j, h)) continue;
      for (int64_t k = 0; k < s.kernel[2]; ++k) {
        if (!source(s, 2, phase, k, x)) continue;
        const int64_t tap = (i * s.kernel[1] + j) * s.kernel[2] + k;
        const int64_t first = std::max(begin, -x), last = std::min(end, s.in[2] - x);
        const int64_t at = ((tap * s.in[0] + z) * s.in[1] + h) * s.in[2] + x + first;
        const float* from = parts + at * lanes_;
        float* to = sums + (first - begin) * lanes_;
        int64_t n = (last - first) * lanes_;
        for (; n >= 4; n -= 4, to += 4, from += 4) store(to, load(to) + load(from));
        for (; n > 0; --n) *to++ += *from++;
      }
    }
  }
}

// One output row of one unit.
void TransposedConv::gather_row(const float* parts, const float* bias, int64_t row,
                                float* y) const {
  const int64_t stride = shape_.stride[2], width = shape_.out[2], pixels = kSumFloats / lanes_;
  const f32x4 start = !bias ? zero() : lanes_ == 1 ? load_splat(bias) : load(bias);
  for (int64_t phase = 0; phase < std::min(stride, width); ++phase) {
    const int64_t count = ceil_div(width - phase, stride);
    for (int64_t begin = 0; begin < count; begin += pixels) {
      const int64_t end = std::min(begin + pixels, count);
      float sums[kSumFloats];
      for (int64_t i = 0; i < (end - begin) * lanes_; i += 4) store(sums + i, start);
      add_taps(parts, row, phase, begin, end, sums);
      float* out = y + (phase + begin * stride) * lanes_;
      if (lanes_ == 1) {
        for (int64_t i = 0; i < end - begin; ++i) out[i * stride] = sums[i];
      } else {
        for (int64_t i = 0; i < end - begin; ++i) store(out + 4 * i * stride, load(sums + 4 * i));
      }
    }
  }
}

Status TransposedConv::gather(const float* parts, const float* bias, int64_t units,
                              float* y) const {
  const int64_t rows = shape_.out[0] * shape_.out[1], width = shape_.out[2] * lanes_;
  const int64_t unit_floats = shape_.taps() * shape_.in_plane() * lanes_;
  const double sums = static_cast<double>(shape_.taps() * shape_.in_plane()) /
                      static_cast<double>(shape_.out_plane());
  const double ns = (kNsPerOutput + kNsPerSum * sums) * static_cast<double>(width);
  return parallel_for(units * rows, grain_for(ns), [=, this](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t unit = i / rows;
      gather_row(parts + unit * unit_floats, bias ? bias + unit * lanes_ : nullptr, i % rows,
                 y + i * width);
    }
  });
}

Status TransposedConv::run(const float* x, const float* packed, const float* bias, float* y,
                           float* scratch) const {
  const int64_t depth = shape_.group_in(), unit_columns = lanes_ * shape_.taps();
  const int64_t in_group =
      (shape_.in_layout == Layout::kNC4HW4 ? round_up(depth, kChannelBlock) : depth) *
      shape_.in_plane();
  const int64_t unit_floats = shape_.out_plane() * lanes_;
  const int64_t packed_group = round_up<int64_t>(units_ * unit_columns, kPanel) * depth;
  float* parts = scratch + part_.scratch_floats();
  for (int64_t i = 0; i < shape_.batch * shape_.groups; ++i, x += in_group) {
    const int64_t group = i % shape_.groups;
    for (int64_t first = 0; first < units_; first += part_units_) {
      const int64_t units = std::min(part_units_, units_ - first);
      const IndirectConv& conv = units == part_units_ ? part_ : last_part_;
      const float* weights = packed + group * packed_group + first * unit_columns * depth;
      SX_TRY(conv.run(x, weights, zeros_.as<float>(), nullptr, Activation(), parts, scratch));
      const float* unit_bias = bias ? bias + (group * units_ + first) * lanes_ : nullptr;
      SX_TRY(gather(parts, unit_bias, units, y + (i * units_ + first) * unit_floats));
    }
  }
  return {};
}

}  // namespace sardonyx::simd
