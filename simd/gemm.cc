#include "simd/gemm.h"

#include <algorithm>

#include "base/checked.h"
#include "simd/chunk_work.h"
#include "simd/elementwise.h"
#include "simd/half_panel.h"
#include "simd/parallel.h"
#include "simd/reduce.h"

namespace sardonyx::simd {
namespace {

// K is cut so that a tile's panels stay in a 32 KB first-level cache.
constexpr int64_t kDepthBlock = kMainPanels == 1 ? 512 : 256;
// Rows of A that one chunk of work keeps in the second-level cache.
constexpr int64_t kRowBlock = 48;
// Multiply-adds per chunk: about 25 us; a single row is bound by the reading of B.
constexpr int64_t kChunkWork = 600'000;
constexpr int64_t kChunkWorkPerRow = 60'000;

// A column of tiles over one block of K. The sums of the first tile start from those at `from`.
struct TileCall {
  const float* a;
  const float* b;
  const uint16_t* halves;  // B of tiles that widen it
  const float* from;
  float* to;
  size_t a_stride, from_stride, to_stride, k, panel_stride, b_step;
  ClampBounds clamp;
};

template <int MR, int NP>
void run_tiles(const TileCall& call, size_t tiles) {
  const float* a = call.a;
  const float* from = call.from;
  float* to = call.to;
  for (; tiles > 0; --tiles) {
    Tile<MR, NP> tile;
    const float* rows[MR];
    for (size_t r = 0; r < MR; ++r) {
      rows[r] = a + r * call.a_stride;
      for (size_t v = 0; v < 2 * NP; ++v) {
        tile.acc[r][v] = load(from + r * call.from_stride + 4 * v);
      }
    }
    tile_accumulate(tile, rows, call.k, call.b, call.panel_stride, call.b_step);
    const f32x4 low = splat(call.clamp.low), high = splat(call.clamp.high);
    for (size_t r = 0; r < MR; ++r) {
      for (size_t v = 0; v < 2 * NP; ++v) {
        store(to + r * call.to_stride + 4 * v, pmin(pmax(tile.acc[r][v], low), high));
      }
    }
    a += MR * call.a_stride;
    from += MR * call.from_stride;
    to += MR * call.to_stride;
  }
}

// One row, of numbers below kHalfRowLimit, by NP panels of halves that are widened in registers.
// What a half lacks as a float's bits, 2^112, is the row's: seven operations for eight weights, 20
// GB/s, where a multiplication of each weight leaves 10.
constexpr float kHalfRowLimit = 0x1p15f;

template <int NP>
void run_half_row(const TileCall& call, size_t) {
  f32x4 acc[2 * NP];
  for (size_t v = 0; v < 2 * NP; ++v) acc[v] = load(call.from + 4 * v);
  const float* a = call.a;
  const uint16_t* b = call.halves;
  SX_ROLLED
  for (size_t k = call.k; k > 0; --k, ++a, b += kPanel) {
    const f32x4 x = load_splat(a) * constant<kHalfScale>();
    SX_UNROLLED
    for (size_t p = 0; p < NP; ++p) {
      const HalfPanelRow row = unscaled_row(b + p * call.panel_stride);
      acc[2 * p] = madd(x, row.low, acc[2 * p]);
      acc[2 * p + 1] = madd(x, row.high, acc[2 * p + 1]);
    }
  }
  const f32x4 low = splat(call.clamp.low), high = splat(call.clamp.high);
  for (size_t v = 0; v < 2 * NP; ++v) store(call.to + 4 * v, pmin(pmax(acc[v], low), high));
}

bool is_half_row(const float* a, int64_t k) {
  const Extent extent = reduce_extent(a, k);
  return extent.low > -kHalfRowLimit && extent.high < kHalfRowLimit;
}

using TileFn = void (*)(const TileCall&, size_t tiles);

// The tile of that many rows, at most kOnePanelRows, and the panels it takes, at most `panels`.
struct TileChoice {
  TileFn fn;
  int rows, panels;
};
template <int MR, int NP>
constexpr TileChoice kChoice{run_tiles<MR, NP>, MR, NP};

TileChoice choose_tile(int64_t rows, int64_t panels) {
  if (rows == 1) return panels >= 4 ? kChoice<1, 4> : panels >= 2 ? kChoice<1, 2> : kChoice<1, 1>;
  if (rows == 2) return panels >= 2 ? kChoice<2, 2> : kChoice<2, 1>;
  if (rows == 3) return kChoice<3, 1>;
  if constexpr (kRelaxed) {
    if (rows == 5) return kChoice<5, 1>;
    if (rows == 6) return kChoice<6, 1>;
  }
  return kChoice<4, 1>;
}

// The largest tile, in floats.
constexpr int64_t kMostTile = std::max(kOnePanelRows * kPanel, kMainRows* kMainPanels* kPanel);
constexpr float kZeros[kMostTile] = {};

// The part of one product that a chunk computes.
struct Block {
  const GemmShape& shape;
  const GemmOperands& operands;
  const GemmEpilogue& epilogue;
  int64_t k_begin = 0, k_end = 0;
  // Rows [k_begin, k_end) of the panels from wide_panel on, if B is of halves and is widened for
  // more than one tile.
  const float* wide = nullptr;
  int64_t wide_panel = 0;

  void tiles(const TileChoice& choice, int64_t row, int64_t row_end, int64_t panel) const;
  void tile_by_copy(const TileChoice& choice, TileCall call, int64_t row, int64_t column,
                    int64_t skip) const;
  // Panels of [panel, end) that one tile may take together.
  int64_t together(int64_t panel, int64_t end) const;
  void rows(int64_t begin, int64_t end, int64_t panel_begin, int64_t panel_end) const;
  void half_row(int64_t row, int64_t panel_begin, int64_t panel_end) const;
  void widened_rows(int64_t begin, int64_t end, int64_t panel_begin, int64_t panel_end);
};

// Whole tiles of rows [row, row_end).
void Block::tiles(const TileChoice& choice, int64_t row, int64_t row_end, int64_t panel) const {
  const bool packed = shape.b_stride == 0;
  const int64_t width = choice.panels * kPanel;
  int64_t column = panel * kPanel;
  int64_t skip = 0;
  // In place, the last panel is moved left to end with the row; what it has twice is not stored.
  if (!packed && column + width > shape.n) {
    skip = column + width - shape.n;
    column -= skip;
  }
  const int64_t depth = wide ? k_end - k_begin : shape.k;  // of a packed panel
  const int64_t at = panel * shape.k * kPanel + k_begin * kPanel;
  TileCall call{.a = operands.a + row * shape.a_stride + k_begin,
                .b = wide              ? wide + (panel - wide_panel) * depth * kPanel
                     : operands.halves ? nullptr
                     : packed          ? operands.b + at
                                       : operands.b + k_begin * shape.b_stride + column,
                .halves = operands.halves ? operands.halves + at : nullptr,
                .from = kZeros,
                .to = operands.c + row * shape.c_stride + column,
                .a_stride = static_cast<size_t>(shape.a_stride),
                .from_stride = 0,
                .to_stride = static_cast<size_t>(shape.c_stride),
                .k = static_cast<size_t>(k_end - k_begin),
                .panel_stride = static_cast<size_t>(packed ? depth * kPanel : kPanel),
                .b_step = static_cast<size_t>(packed ? kPanel : shape.b_stride),
                .clamp = k_end == shape.k ? clamp_bounds(epilogue.activation) : ClampBounds{}};
  const bool added = epilogue.row_bias || epilogue.add;
  if (k_begin != 0) {
    call.from = call.to;
    call.from_stride = call.to_stride;
  } else if (!added && epilogue.column_bias) {
    call.from = epilogue.column_bias + column;
  } else if (epilogue.add && !epilogue.column_bias && !epilogue.row_bias) {
    call.from = epilogue.add + row * epilogue.add_stride + column;
    call.from_stride = static_cast<size_t>(epilogue.add_stride);
  } else if (added) {
    call.from = nullptr;
  }
  if (call.from && skip == 0 && column + width <= shape.n) {
    return choice.fn(call, static_cast<size_t>((row_end - row) / choice.rows));
  }
  for (; row + choice.rows <= row_end; row += choice.rows) {
    tile_by_copy(choice, call, row, column, skip);
    call.a += choice.rows * shape.a_stride;
  }
}

// One tile of which columns [skip, n) are wanted, or whose sums start from more than one number.
// Not inlined: tiles are large, and only those at the edge come here.
[[clang::minsize, gnu::noinline]] void Block::tile_by_copy(const TileChoice& choice, TileCall call,
                                                           int64_t row, int64_t column,
                                                           int64_t skip) const {
  float sums[kMostTile] = {};
  const int64_t width = choice.panels * kPanel;
  const int64_t columns = std::min(width, shape.n - column);
  float* c = operands.c + row * shape.c_stride + column;
  for (int64_t r = 0; r < choice.rows; ++r) {
    SX_SCALAR
    for (int64_t i = skip; i < columns; ++i) {
      float& sum = sums[r * width + i];
      if (k_begin != 0) {
        sum = c[r * shape.c_stride + i];
        continue;
      }
      if (epilogue.column_bias) sum += epilogue.column_bias[column + i];
      if (epilogue.row_bias) sum += epilogue.row_bias[row + r];
      if (epilogue.add) sum += epilogue.add[(row + r) * epilogue.add_stride + column + i];
    }
  }
  call.from = call.to = sums;
  call.from_stride = call.to_stride = static_cast<size_t>(width);
  choice.fn(call, 1);
  for (int64_t r = 0; r < choice.rows; ++r) {
    SX_SCALAR
    for (int64_t i = skip; i < columns; ++i) c[r * shape.c_stride + i] = sums[r * width + i];
  }
}

int64_t Block::together(int64_t panel, int64_t end) const {
  // In place, the first columns leave no room to move a tile left: the last panel goes by itself.
  const bool cramped = shape.b_stride != 0 && panel == 0 && end * kPanel > shape.n && end > 1;
  return std::max<int64_t>(end - panel - (cramped ? 1 : 0), 0);
}

void Block::rows(int64_t begin, int64_t end, int64_t panel_begin, int64_t panel_end) const {
  const int64_t full_end = begin + (end - begin) / kMainRows * kMainRows;
  int64_t panel = panel_begin;
  for (; together(panel, panel_end) >= kMainPanels; panel += kMainPanels) {
    if (full_end > begin) tiles(choose_tile(kMainRows, kMainPanels), begin, full_end, panel);
  }
  // What is left: single panels, then rows below the full tiles.
  const int64_t wide_end = panel;
  for (; panel < panel_end; ++panel) {
    const int64_t tall_end = begin + (end - begin) / kOnePanelRows * kOnePanelRows;
    if (tall_end > begin) tiles(choose_tile(kOnePanelRows, 1), begin, tall_end, panel);
    if (end > tall_end) tiles(choose_tile(end - tall_end, 1), tall_end, end, panel);
  }
  if (full_end == end) return;
  for (panel = panel_begin; panel < wide_end;) {
    const TileChoice choice = choose_tile(end - full_end, together(panel, wide_end));
    tiles(choice, full_end, end, panel);
    panel += choice.panels;
  }
}

void Block::half_row(int64_t row, int64_t panel_begin, int64_t panel_end) const {
  constexpr TileChoice kFour{run_half_row<4>, 1, 4}, kOne{run_half_row<1>, 1, 1};
  for (int64_t panel = panel_begin; panel < panel_end;) {
    const TileChoice& choice = panel_end - panel >= 4 ? kFour : kOne;
    tiles(choice, row, row + 1, panel);
    panel += choice.panels;
  }
}

// As many panels at once as a tile takes. Not inlined: only here a chunk needs 16 KB of the stack.
[[gnu::noinline]] void Block::widened_rows(int64_t begin, int64_t end, int64_t panel_begin,
                                           int64_t panel_end) {
  alignas(16) float floats[kMainPanels * kDepthBlock * kPanel];
  const int64_t depth = k_end - k_begin;
  wide = floats;
  for (wide_panel = panel_begin; wide_panel < panel_end; wide_panel += kMainPanels) {
    const int64_t panels = std::min<int64_t>(kMainPanels, panel_end - wide_panel);
    for (int64_t p = 0; p < panels; ++p) {
      widen_panel(operands.halves + ((wide_panel + p) * shape.k + k_begin) * kPanel, depth,
                  floats + p * depth * kPanel);
    }
    rows(begin, end, wide_panel, wide_panel + panels);
  }
}

// Products of four rows, which follow each other, and one column. One by one, short rows would take
// most of their time for adding up lanes.
f32x4 dot_four(const float* rows, const float* column, int64_t k) {
  f32x4 sums[4] = {zero(), zero(), zero(), zero()};
  int64_t i = 0;
  for (; i + 4 <= k; i += 4) {
    const f32x4 x = load(column + i);
    for (int64_t r = 0; r < 4; ++r) sums[r] = madd(load(rows + r * k + i), x, sums[r]);
  }
  if (i < k) {
    // The last of them, and zeros.
    const i32x4 rest = i32x4{wasm_i32x4_make(3, 2, 1, 0)} < splat(static_cast<int32_t>(k - i));
    const auto tail = [=](const float* p) {
      return k < 4 ? load_partial(p, k) : select(rest, load(p + k - 4), zero());
    };
    const f32x4 x = tail(column);
    for (int64_t r = 0; r < 4; ++r) sums[r] = madd(tail(rows + r * k), x, sums[r]);
  }
  transpose(sums[0], sums[1], sums[2], sums[3]);
  return (sums[0] + sums[2]) + (sums[1] + sums[3]);
}

[[clang::minsize]] void fill_without_products(const GemmShape& shape, float* out,
                                              const GemmEpilogue& epilogue) {
  const ClampBounds clamp = clamp_bounds(epilogue.activation);
  for (int64_t r = 0; r < shape.m; ++r) {
    for (int64_t c = 0; c < shape.n; ++c) {
      float x = epilogue.column_bias ? epilogue.column_bias[c] : 0.0f;
      if (epilogue.row_bias) x += epilogue.row_bias[r];
      if (epilogue.add) x += epilogue.add[r * epilogue.add_stride + c];
      x = x < clamp.low ? clamp.low : x;
      out[r * shape.c_stride + c] = clamp.high < x ? clamp.high : x;
    }
    activate(epilogue.activation, out + r * shape.c_stride, shape.n);
  }
}

}  // namespace

void gemm_block(const GemmShape& shape, const GemmOperands& operands, const GemmEpilogue& epilogue,
                int64_t row_begin, int64_t row_end, int64_t panel_begin, int64_t panel_end) {
  Block block{shape, operands, epilogue};
  const int64_t rows = row_end - row_begin;
  // Rows of a single tile use each panel once: those are best read in one go.
  const bool half_row =
      operands.halves && rows == 1 && is_half_row(operands.a + row_begin * shape.a_stride, shape.k);
  const bool once = operands.halves ? half_row : rows <= kMainRows;
  const int64_t depth = once ? shape.k : kDepthBlock;
  while (block.k_end < shape.k) {
    block.k_begin = block.k_end;
    block.k_end = std::min(block.k_begin + depth, shape.k);
    if (!operands.halves) {
      block.rows(row_begin, row_end, panel_begin, panel_end);
    } else if (half_row) {
      block.half_row(row_begin, panel_begin, panel_end);
    } else {
      block.widened_rows(row_begin, row_end, panel_begin, panel_end);
    }
  }
  if (is_clamp(epilogue.activation.kind)) return;
  const int64_t column = panel_begin * kPanel;
  const int64_t columns = std::min(panel_end * kPanel, shape.n) - column;
  for (int64_t row = row_begin; row < row_end; ++row) {
    activate(epilogue.activation, operands.c + row * shape.c_stride + column, columns);
  }
}

Status gemm(const GemmShape& shape, const GemmOperands& operands,
            std::span<const GemmOffsets> batch, const GemmEpilogue& epilogue) {
  if (shape.m <= 0 || shape.n <= 0 || batch.empty()) return {};
  const auto product = [&](int64_t i) -> GemmOperands {
    const GemmOffsets& offsets = batch[static_cast<size_t>(i)];
    GemmOperands at{operands.a + offsets.a, operands.b, operands.c + offsets.c, operands.halves};
    if (at.halves) {
      at.halves += offsets.b;
    } else {
      at.b += offsets.b;
    }
    return at;
  };
  if (shape.k <= 0) {
    for (const GemmOffsets& offsets : batch) {
      fill_without_products(shape, operands.c + offsets.c, epilogue);
    }
    return {};
  }
  const int64_t panels = ceil_div<int64_t>(shape.n, kPanel);
  // Halves are widened for each block of rows anew: twice as many make that 3 % of the time.
  const int64_t rows = std::min(operands.halves ? 2 * kRowBlock : kRowBlock, shape.m);
  const int64_t total = static_cast<int64_t>(batch.size()) * shape.m * shape.n * shape.k;
  const int64_t work = std::min(chunk_work(total, kChunkWork), kChunkWorkPerRow * rows);
  // A multiple of 4 panels, which single rows take at once, where there are as many.
  int64_t width = std::clamp<int64_t>(work / (rows * kPanel * shape.k), 1, panels);
  if (width > 4) width = width / 4 * 4;
  if (width < kMainPanels) width = std::min<int64_t>(kMainPanels, panels);
  if (rows == 1 && width < 4) width = std::min<int64_t>(4, panels);

  const int64_t row_blocks = ceil_div(shape.m, rows), panel_blocks = ceil_div(panels, width);
  const int64_t blocks = row_blocks * panel_blocks;
  const int64_t block_work = rows * width * kPanel * shape.k;
  const int64_t grain = std::max<int64_t>(1, work / block_work);
  const auto run = [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      // Rows turn fastest, so that a block of B is used while it is in the cache.
      const int64_t row = i % blocks % row_blocks * rows, panel = i % blocks / row_blocks * width;
      gemm_block(shape, product(i / blocks), epilogue, row, std::min(row + rows, shape.m), panel,
                 std::min(panel + width, panels));
    }
  };
  return parallel_for(blocks * static_cast<int64_t>(batch.size()), grain, run);
}

Status gemv_rows(int64_t m, int64_t k, const float* a, const float* b, float* y,
                 std::span<const GemmOffsets> batch) {
  const int64_t fours = ceil_div<int64_t>(m, 4);
  const int64_t grain = std::max<int64_t>(1, kChunkWorkPerRow / (4 * std::max<int64_t>(k, 1)));
  const int64_t count = fours * static_cast<int64_t>(batch.size());
  return parallel_for(count, grain, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const GemmOffsets& at = batch[static_cast<size_t>(i / fours)];
      const int64_t row = i % fours * 4;
      const float* rows = a + at.a + row * k;
      float* out = y + at.c + row;
      if (row + 4 <= m) {
        store(out, dot_four(rows, b + at.b, k));
      } else {
        for (int64_t r = 0; row + r < m; ++r) out[r] = dot(rows + r * k, b + at.b, k);
      }
    }
  });
}

std::string_view gemm_tile_name() {
  return kRelaxed ? "gemm_6x8" : "gemm_2x16";
}

}  // namespace sardonyx::simd
