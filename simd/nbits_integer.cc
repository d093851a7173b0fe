#include "simd/nbits_integer.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/checked.h"
#include "simd/parallel.h"
#include "simd/quantize.h"
#include "simd/reduce.h"
#include "simd/unroll.h"
#include "simd/v128.h"

namespace sardonyx::simd {
namespace {

// Elements of K that are unpacked at once: 8 KB, which stay in the first-level cache.
constexpr int64_t kDepth = 1024;
// Floats of a panel's memory.
constexpr int64_t kPanelFloats = kNBitsColumns * (kDepth / 4 + 2 * kDepth / kRoundedGroup);
constexpr int64_t kQuads = kRoundedGroup / 4;
constexpr double kNsPerRounded = 0.6;

int64_t elements(const NBitsFormat& format) {
  return format.blocks() * format.block;
}

// Bytes of 32 numbers: those with even places, and those with odd ones.
struct Nibbles {
  v128_t even, odd;
};

SX_INLINE Nibbles unpack(const uint8_t* packed, i32x4 mask) {
  const i32x4 both{wasm_v128_load(packed)};
  return {(both & mask).v, (shift_right_logical(both, 4) & mask).v};
}

SX_INLINE i32x4 nibble_mask() {
  return constant<0x0F0F0F0F>();
}

// --- one row -----------------------------------------------------------------------------------

// One column after the other: memory is read in one stream, which takes half as long as four.
float dot_alone(int64_t groups, const int8_t* bytes, const uint8_t* packed, const float* factors) {
  f32x4 totals[2] = {zero(), zero()};
  const i16x8 ones = splat(int16_t{1});
  const i32x4 mask = nibble_mask();
  const auto add = [&](int group, f32x4 factor) {
    const Nibbles q = unpack(packed + group * kRoundedGroup / 2, mask);
    const int8_t* x = bytes + group * kRoundedGroup;
    const i16x8 pairs =
        dot_i8x16_i7x16(wasm_v128_load(x), q.even) + dot_i8x16_i7x16(wasm_v128_load(x + 16), q.odd);
    f32x4& total = totals[group % 2];
    total = madd(to_float(dot(pairs, ones)), factor, total);
  };
  SX_ROLLED
  for (; groups >= 4; groups -= 4) {
    const f32x4 four = load(factors);
    add(0, broadcast_lane<0>(four));
    add(1, broadcast_lane<1>(four));
    add(2, broadcast_lane<2>(four));
    add(3, broadcast_lane<3>(four));
    factors += 4;
    bytes += 4 * kRoundedGroup;
    packed += 2 * kRoundedGroup;
  }
  SX_ROLLED
  for (; groups > 0; --groups) {
    add(0, load_splat(factors++));
    bytes += kRoundedGroup;
    packed += kRoundedGroup / 2;
  }
  return reduce_add(totals[0] + totals[1]);
}

// What the sums of each group of a column and a row are to be multiplied by.
void fill_factors(const NBitsFormat& format, const float* scales, const float* row_scales,
                  float* factors) {
  const int64_t in_block = format.block / kRoundedGroup, blocks = format.blocks();
  int64_t block = 0;
  SX_ROLLED
  for (; in_block == 1 && block + 4 <= blocks; block += 4) {
    store(factors + block, load(scales + block) * load(row_scales + block));
  }
  SX_SCALAR
  for (int64_t i = block * in_block; i < blocks * in_block; ++i) {
    factors[i] = scales[i / in_block] * row_scales[i];
  }
}

void put_row(const NBitsFormat& format, const RoundedRows& row, const NBitsColumns& columns,
             float* factors, float* out) {
  const int64_t blocks = format.blocks();
  for (int64_t i = 0; i < columns.count; ++i) {
    const float* scales = columns.scales + i * blocks;
    fill_factors(format, scales, row.scales, factors);
    const float sum = dot_alone(elements(format) / kRoundedGroup, row.bytes,
                                columns.packed + i * blocks * format.block_bytes(), factors);
    const float shift = nbits_zero_part(
        format, columns.zeros ? columns.zeros + i * blocks : nullptr, scales, row.sums);
    out[i] = (columns.bias ? columns.bias[i] : 0.0f) + (sum - shift);
  }
}

// --- tiles of rows -----------------------------------------------------------------------------

// kNBitsColumns columns of some K, ready for tiles.
struct Panel {
  int64_t block, depth;  // in whole blocks, elements
  uint8_t* bytes;        // [K / 4][column][4]
  float* scales;         // [block][column]
  float* zeros;          // [block][column], times the scale

  Panel(const NBitsFormat& format, int64_t elements, float* memory)
      : block(format.block),
        depth(elements),
        bytes(reinterpret_cast<uint8_t*>(memory)),
        scales(memory + kNBitsColumns * kDepth / 4),
        zeros(scales + kNBitsColumns * kDepth / kRoundedGroup) {}
};

// Columns behind the last stand for it.
SX_INLINE int64_t column_at(const NBitsColumns& columns, int64_t i) {
  return std::min(i, columns.count - 1);
}

// Four columns of 32 numbers as quads: four numbers of each column in turn.
SX_INLINE void put_quads(const v128_t (&from)[4], uint8_t* to) {
  f32x4 a{from[0]}, b{from[1]}, c{from[2]}, d{from[3]};
  transpose(a, b, c, d);
  const f32x4 quads[4] = {a, b, c, d};
  SX_UNROLLED
  for (int i = 0; i < 4; ++i) wasm_v128_store(to + i * kNBitsColumns * 4, quads[i].v);
}

void fill_panel(const NBitsFormat& format, const NBitsColumns& columns, int64_t from,
                const Panel& panel) {
  const int64_t blocks = format.blocks(), first = from / format.block;
  for (int64_t i = 0; i < panel.depth / format.block * kNBitsColumns; ++i) {
    const int64_t at = column_at(columns, i % kNBitsColumns) * blocks + first + i / kNBitsColumns;
    panel.scales[i] = columns.scales[at];
    panel.zeros[i] = columns.scales[at] * (columns.zeros ? columns.zeros[at] : format.centre());
  }
  const i32x4 mask = nibble_mask();
  for (int64_t four = 0; four < kNBitsColumns; four += 4) {
    uint8_t* to = panel.bytes + 4 * four;
    for (int64_t k = from; k < from + panel.depth; k += kRoundedGroup) {
      v128_t even[4], odd[4];
      SX_UNROLLED
      for (int c = 0; c < 4; ++c) {
        const int64_t column = column_at(columns, four + c);
        const Nibbles q = unpack(columns.packed + (column * blocks * format.block + k) / 2, mask);
        even[c] = q.even;
        odd[c] = q.odd;
      }
      put_quads(even, to);
      put_quads(odd, to + 4 * kNBitsColumns * 4);
      to += kRoundedGroup * kNBitsColumns;
    }
  }
}

// A tile of rows and what is known of it for one panel.
struct Tile {
  const int8_t* bytes;
  const float* scales;
  const float* sums;
};

using TileSums = float[kRoundedTile][kNBitsColumns];

// Takes the zero points' part of each block off.
SX_INLINE void start_tile(const Panel& panel, const Tile& tile, TileSums& out) {
  f32x4 acc[kRoundedTile][2];
  SX_UNROLLED
  for (int r = 0; r < kRoundedTile; ++r) {
    acc[r][0] = load(out[r]);
    acc[r][1] = load(out[r] + 4);
  }
  const float *zeros = panel.zeros, *sums = tile.sums;
  SX_ROLLED
  for (int64_t left = panel.depth / panel.block; left > 0; --left) {
    const f32x4 low = load(zeros), high = load(zeros + 4);
    SX_UNROLLED
    for (int r = 0; r < kRoundedTile; ++r) {
      const f32x4 sum = load_splat(sums + r);
      acc[r][0] = nmadd(sum, low, acc[r][0]);
      acc[r][1] = nmadd(sum, high, acc[r][1]);
    }
    zeros += kNBitsColumns;
    sums += kRoundedTile;
  }
  SX_UNROLLED
  for (int r = 0; r < kRoundedTile; ++r) {
    store(out[r], acc[r][0]);
    store(out[r] + 4, acc[r][1]);
  }
}

// Adds a panel's products. Rolled as it is the loop of quads stays in registers: unrolled by eight
// it takes half as long again.
void add_tile(const Panel& panel, const Tile& tile, TileSums& out) {
  const int8_t* x = tile.bytes;
  const uint8_t* q = panel.bytes;
  const float* row_scales = tile.scales;
  const i16x8 ones = splat(int16_t{1});
  for (int64_t k = 0; k < panel.depth; k += kRoundedGroup) {
    i16x8 pairs[kRoundedTile][2];
    SX_UNROLLED
    for (int r = 0; r < kRoundedTile; ++r) pairs[r][0] = pairs[r][1] = splat(int16_t{0});
    SX_ROLLED
    for (int64_t left = kQuads; left > 0; --left) {
      const v128_t low = wasm_v128_load(q), high = wasm_v128_load(q + 16);
      SX_UNROLLED
      for (int r = 0; r < kRoundedTile; ++r) {
        const v128_t four = wasm_v128_load32_splat(x + 4 * r);
        pairs[r][0] = pairs[r][0] + dot_i8x16_i7x16(four, low);
        pairs[r][1] = pairs[r][1] + dot_i8x16_i7x16(four, high);
      }
      q += 4 * kNBitsColumns;
      x += 4 * kRoundedTile;
    }
    const float* scales = panel.scales + k / panel.block * kNBitsColumns;
    const f32x4 low = load(scales), high = load(scales + 4);
    SX_UNROLLED
    for (int r = 0; r < kRoundedTile; ++r) {
      const f32x4 scale = load_splat(row_scales + r);
      float* to = out[r];
      store(to, madd(to_float(dot(pairs[r][0], ones)), low * scale, load(to)));
      store(to + 4, madd(to_float(dot(pairs[r][1], ones)), high * scale, load(to + 4)));
    }
    row_scales += kRoundedTile;
  }
}

void put_rows(const NBitsFormat& format, const RoundedRows& rows, const NBitsColumns& columns,
              int64_t from, const Panel& panel, float* out, int64_t stride) {
  for (int64_t row = 0; row < rows.count; row += kRoundedTile) {
    const Tile tile{rows.bytes + row * elements(format) + from * kRoundedTile,
                    rows.scales + (row * elements(format) + from * kRoundedTile) / kRoundedGroup,
                    rows.sums + (row * elements(format) + from * kRoundedTile) / format.block};
    const int64_t count = std::min(kRoundedTile, rows.count - row);
    const auto width = static_cast<size_t>(columns.count);
    TileSums sums = {};
    for (int64_t r = 0; r < count; ++r) {
      const float* start = from > 0 ? out + (row + r) * stride : columns.bias;
      if (start) std::copy_n(start, width, sums[r]);
    }
    start_tile(panel, tile, sums);
    add_tile(panel, tile, sums);
    for (int64_t r = 0; r < count; ++r) std::copy_n(sums[r], width, out + (row + r) * stride);
  }
}

// --- rounding ----------------------------------------------------------------------------------

// One group, of which `count` elements exist; returns the sum of its bytes.
int32_t round_group(const float* from, int64_t count, float* scale, int8_t* to, int64_t step) {
  int8_t q[kRoundedGroup] = {};
  const Extent extent = reduce_extent(from, count);
  const float most = std::max(extent.high, -extent.low);
  const bool finite = std::isfinite(most);
  *scale = finite ? most / 127.0f : std::numeric_limits<float>::quiet_NaN();
  if (finite && *scale >= std::numeric_limits<float>::min()) {
    quantize(from, count, *scale, {0, -127, 127}, q);
  }
  int32_t sum = 0;
  for (int64_t i = 0; i < kRoundedGroup; ++i) {
    const int64_t place = i % 2 * (kRoundedGroup / 2) + i / 2;
    to[place / 4 * step + place % 4] = q[i];
    sum += q[i];
  }
  return sum;
}

// Row `row`, of which `count` elements exist.
void round_row(const NBitsFormat& format, const float* from, int64_t count, int64_t row,
               const RoundedRows& rows) {
  const int64_t in_tile = rows.in_tile(), r = row % in_tile, start = (row - r) * elements(format);
  float* sums = rows.sums + start / format.block + r;
  float* scales = rows.scales + start / kRoundedGroup + r;
  int8_t* bytes = rows.bytes + start + 4 * r;
  for (int64_t block = 0; block < format.blocks(); ++block) {
    float sum = 0.0f;
    for (int64_t i = 0; i < format.block; i += kRoundedGroup) {
      const int64_t at = block * format.block + i;
      const int64_t left = std::clamp<int64_t>(count - at, 0, kRoundedGroup);
      const int32_t bytes_sum =
          round_group(left > 0 ? from + at : from, left, scales, bytes + at * in_tile, 4 * in_tile);
      sum += *scales * static_cast<float>(bytes_sum);
      scales += in_tile;
    }
    sums[block * in_tile] = sum;
  }
}

}  // namespace

bool is_taken_by_integers(const NBitsFormat& format) {
  return format.bits == 4 && format.block % kRoundedGroup == 0 && format.block <= kDepth;
}

Status round_rows(const NBitsFormat& format, const float* from, const RoundedRows& rows) {
  const int64_t grain = grain_for(kNsPerRounded * static_cast<double>(elements(format)));
  return parallel_for(round_up(rows.count, rows.in_tile()), grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t count = row < rows.count ? format.k : 0;
      round_row(format, count > 0 ? from + row * format.k : from, count, row, rows);
    }
  });
}

int64_t nbits_integer_floats(const NBitsFormat& format) {
  return std::max(kPanelFloats, elements(format) / kRoundedGroup);
}

void nbits_integer_product(const NBitsFormat& format, const RoundedRows& rows,
                           const NBitsColumns& columns, float* memory, float* out, int64_t stride) {
  if (rows.count == 1) return put_row(format, rows, columns, memory, out);
  for (int64_t from = 0; from < elements(format); from += kDepth) {
    const Panel panel(format, std::min(kDepth, elements(format) - from), memory);
    fill_panel(format, columns, from, panel);
    put_rows(format, rows, columns, from, panel, out, stride);
  }
}

}  // namespace sardonyx::simd
