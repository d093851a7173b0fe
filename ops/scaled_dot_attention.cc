#include "ops/scaled_dot_attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "simd/attention.h"
#include "simd/elementwise.h"
#include "simd/gemm.h"
#include "simd/parallel.h"
#include "simd/reduce.h"
#include "simd/softmax.h"

namespace sardonyx::ops {

namespace {

constexpr float kHidden = -std::numeric_limits<float>::infinity();
// Queries of a block and keys of a tile: scores of a panel stay in the first-level cache, keys and
// values of a tile in the second.
constexpr int64_t kBlockRows = 48;
constexpr int64_t kTileKeys = 128;
// Blocks of fewer queries read keys row by row.
constexpr int64_t kPackedRows = 4;
constexpr double kNsPerProduct = 0.06;

int64_t panels(int64_t columns) {
  return ceil_div<int64_t>(columns, simd::kPanel);
}

}  // namespace

HeadSteps heads_outside(int64_t heads, int64_t length, int64_t size) {
  return {heads * length * size, length * size, size};
}
HeadSteps heads_inside(int64_t heads, int64_t length, int64_t size) {
  return {heads * length * size, size, heads * size};
}

Result<ScoreMask> make_mask(const TensorView& mask, int64_t batch, int64_t heads, int64_t queries,
                            int64_t keys) {
  const int rank = mask.shape.rank();
  const int64_t wanted[] = {batch, heads, queries};
  bool fits = rank >= 1 && rank <= 4 && mask.shape[rank - 1] <= keys;
  int64_t steps[3] = {};
  int64_t step = fits ? mask.shape[rank - 1] : 0;
  for (int axis = 2, own = rank - 2; axis >= 0 && own >= 0 && fits; --axis, --own) {
    const int64_t dim = mask.shape[own];
    fits = dim == 1 || dim == wanted[axis];
    steps[axis] = dim == 1 ? 0 : step;
    step *= dim;
  }
  if (!fits) {
    return error(ErrorCode::SHAPE_MISMATCH, "a mask of shape %s does not fit scores of shape %s",
                 mask.shape.to_string().c_str(),
                 Shape({batch, heads, queries, keys}).to_string().c_str());
  }
  ScoreMask out;
  // An empty mask has no memory, but hides everything.
  static const uint8_t nothing = 0;
  out.data = mask.data ? mask.data : &nothing;
  out.dtype = mask.dtype;
  out.steps = {steps[0], steps[1], steps[2]};
  out.length = mask.shape[rank - 1];
  return out;
}

Status check_attention(const AttentionShape& shape) {
  const bool positive = shape.heads > 0 && shape.kv_heads > 0 && shape.size > 0 && shape.v_size > 0;
  if (positive && shape.heads % shape.kv_heads == 0) return {};
  return error(ErrorCode::SHAPE_MISMATCH,
               "%lld heads of size %lld can not share %lld heads of keys (values of size %lld)",
               static_cast<long long>(shape.heads), static_cast<long long>(shape.size),
               static_cast<long long>(shape.kv_heads), static_cast<long long>(shape.v_size));
}

// Scratch memory of one thread, in floats.
struct AttentionPlan::Part {
  int64_t queries = 0, packed = 0, scores = 0, sums = 0, softmax = 0, row = 0, size = 0;

  // nullopt on overflow.
  static std::optional<Part> of(const AttentionShape& shape, int64_t rows, int64_t tile) {
    Part out;
    bool fits = true;
    const auto add = [&](int64_t& at, int64_t a, int64_t b) {
      at = out.size;
      const auto count = checked_mul(a, b);
      const auto end =
          count ? checked_add<int64_t>(out.size, round_up<int64_t>(*count, 16)) : count;
      fits = fits && end && *end < static_cast<int64_t>(kMaxTensorBytes);
      if (fits) out.size = *end;
    };
    constexpr int64_t kState = sizeof(simd::PanelSoftmax) / sizeof(float);
    add(out.queries, rows, shape.size);
    add(out.packed, panels(rows) * simd::kPanel, shape.size);
    add(out.scores, tile, simd::kPanel);
    add(out.sums, panels(rows) * simd::kPanel, shape.v_size);
    // Fewer rows than kPackedRows may be panels of their own.
    add(out.softmax, std::max(panels(rows), kPackedRows), kState);
    add(out.row, simd::kPanel, shape.v_size);
    return fits ? std::optional(out) : std::nullopt;
  }
};

// One block of queries that share keys. They stand side by side in panels of `width_`: kPanel, or 1
// where there are so few that keys are better read row by row.
class AttentionBlock {
 public:
  AttentionBlock(const AttentionPlan& plan, const AttentionCall& call, float* memory, int64_t unit);
  void run();

 private:
  struct Query {
    int64_t head, index;
    int64_t begin, end;  // the keys that it sees
  };
  // The keys of a tile and the queries of a panel, rows [first, end) of the block.
  struct Tile {
    int64_t begin, count;
    int64_t panel, first, end;
  };
  Query query(int64_t row) const;
  void load_queries();
  bool sees_any(const Tile& tile) const;
  void run_tile(const Tile& tile);
  void multiply_keys(const Tile& tile);
  void finish_scores(const Tile& tile);
  void add_mask(const ScoreMask& mask, const Tile& tile);
  void mask_row(const ScoreMask& mask, const Tile& tile, int64_t row);
  void fill_row(const Tile& tile, int64_t row, int64_t begin, int64_t end, float number);
  void soften_row(const Tile& tile);
  void add_values(const Tile& tile);
  void keep(ScoreKind kind, const Tile& tile) const;
  void store(int64_t panel);

  float* scores_of(const Tile& tile, int64_t row) const { return scores_ + row - tile.first; }
  float* sums(int64_t panel) const { return sums_ + panel * width_ * shape_.v_size; }
  // Row `row` of the block is element row - first of its panel.
  float total(int64_t row) const { return softmax_[row / width_].total[row % width_]; }

  const AttentionCall& call_;
  const AttentionShape& shape_;
  int64_t tile_;
  int64_t batch_, kv_head_, first_, rows_, width_;
  float *queries_, *packed_, *scores_, *sums_, *row_;
  simd::PanelSoftmax* softmax_;
};

AttentionBlock::AttentionBlock(const AttentionPlan& plan, const AttentionCall& call, float* memory,
                               int64_t unit)
    : call_(call), shape_(call.shape), tile_(plan.tile_) {
  const int64_t all = shape_.group() * shape_.queries;
  const int64_t blocks = ceil_div(all, plan.rows_);
  batch_ = unit / (blocks * shape_.kv_heads);
  kv_head_ = unit / blocks % shape_.kv_heads;
  first_ = unit % blocks * plan.rows_;
  rows_ = std::min(plan.rows_, all - first_);
  width_ = rows_ < kPackedRows && shape_.v_size >= simd::kPanel ? 1 : simd::kPanel;
  const auto part = *AttentionPlan::Part::of(shape_, plan.rows_, plan.tile_);
  queries_ = memory + part.queries;
  packed_ = memory + part.packed;
  scores_ = memory + part.scores;
  sums_ = memory + part.sums;
  row_ = memory + part.row;
  softmax_ = reinterpret_cast<simd::PanelSoftmax*>(memory + part.softmax);
}

AttentionBlock::Query AttentionBlock::query(int64_t row) const {
  const int64_t index = (first_ + row) % shape_.queries;
  const int64_t head = kv_head_ * shape_.group() + (first_ + row) / shape_.queries;
  const KeySpan& span = call_.spans[batch_];
  Query out{head, index, 0, span.length};
  if (call_.causal) {
    const int64_t last = index + span.offset;
    out.end = std::clamp<int64_t>(last + 1, 0, span.length);
    if (call_.window >= 0) out.begin = std::clamp<int64_t>(last - call_.window, 0, out.end);
  }
  return out;
}

void AttentionBlock::load_queries() {
  const auto bytes = static_cast<size_t>(shape_.size) * sizeof(float);
  const int64_t padded = round_up(rows_, width_);
  for (int64_t row = 0; row < padded; ++row) {
    simd::PanelSoftmax& softmax = softmax_[row / width_];
    const int64_t at = row % width_;
    softmax.max[at] = kHidden;
    softmax.total[at] = 0;
    if (row >= rows_) continue;
    const Query q = query(row);
    std::memcpy(queries_ + row * shape_.size, call_.q.at(batch_, q.head, q.index), bytes);
    if (!call_.has_sink) continue;
    softmax.max[at] = call_.sinks ? call_.sinks[q.head] : 0.0f;
    softmax.total[at] = 1;
  }
  std::fill_n(sums_, padded * shape_.v_size, 0.0f);
  if (width_ == 1) return;
  simd::gemm_pack_b(queries_, shape_.size, rows_, 1, shape_.size, call_.scale, 0, panels(rows_),
                    packed_);
}

bool AttentionBlock::sees_any(const Tile& tile) const {
  for (int64_t row = tile.first; row < tile.end; ++row) {
    const Query q = query(row);
    if (q.begin < std::min(q.end, tile.begin + tile.count) && q.end > tile.begin) return true;
  }
  return false;
}

// scores[key][row] = scale * query . key.
void AttentionBlock::multiply_keys(const Tile& tile) {
  const float* keys = call_.k.at(batch_, kv_head_, tile.begin);
  const int64_t step = call_.k.steps.row;
  if (width_ == 1) {
    const float* row = queries_ + tile.first * shape_.size;
    for (int64_t key = 0; key < tile.count; ++key) {
      scores_[key] = call_.scale * simd::dot(row, keys + key * step, shape_.size);
    }
    return;
  }
  const simd::GemmShape shape{.m = tile.count,
                              .n = simd::kPanel,
                              .k = shape_.size,
                              .a_stride = step,
                              .c_stride = simd::kPanel};
  const float* packed = packed_ + tile.panel * simd::kPanel * shape_.size;
  simd::gemm_block(shape, {keys, packed, scores_}, {}, 0, tile.count, 0, 1);
}

void AttentionBlock::fill_row(const Tile& tile, int64_t row, int64_t begin, int64_t end,
                              float number) {
  float* scores = scores_of(tile, row);
  for (int64_t i = begin; i < end; ++i) scores[i * width_] = number;
}

void AttentionBlock::mask_row(const ScoreMask& mask, const Tile& tile, int64_t row) {
  const Query q = query(row);
  float* scores = scores_of(tile, row);
  const int64_t shown = std::clamp<int64_t>(mask.length - tile.begin, 0, tile.count);
  const int64_t at = batch_ * mask.steps.batch + q.head * mask.steps.head +
                     q.index * mask.steps.row + tile.begin * mask.key_step;
  const auto* bytes = static_cast<const uint8_t*>(mask.data);
  const auto* words = static_cast<const int32_t*>(mask.data);
  for (int64_t i = 0; i < shown; ++i) {
    float& score = scores[i * width_];
    const int64_t from = at + i * mask.key_step;
    if (mask.dtype == DType::kFloat32) {
      score += static_cast<const float*>(mask.data)[from];
    } else if (((mask.dtype == DType::kInt32 ? words[from] : bytes[from]) != 0) == mask.hides) {
      score = mask.adds_hidden && mask.hidden != kHidden ? score + mask.hidden : mask.hidden;
    }
  }
  fill_row(tile, row, shown, tile.count, kHidden);
}

void AttentionBlock::add_mask(const ScoreMask& mask, const Tile& tile) {
  const Query q = query(tile.first);
  const bool side_by_side =
      width_ == simd::kPanel && tile.end - tile.first == width_ &&
      (q.index + width_ <= shape_.queries || (mask.steps.head == 0 && mask.steps.row == 0));
  if (side_by_side && mask.dtype == DType::kFloat32 && mask.key_step == 1 &&
      tile.begin + tile.count <= mask.length) {
    const float* added = static_cast<const float*>(mask.data) + batch_ * mask.steps.batch +
                         q.head * mask.steps.head + q.index * mask.steps.row + tile.begin;
    simd::panel_add_mask(added, mask.steps.row, tile.count, scores_);
    return;
  }
  for (int64_t row = tile.first; row < tile.end; ++row) mask_row(mask, tile, row);
}

// Copies the panel's scores to the output, if that is what is wanted.
void AttentionBlock::keep(ScoreKind kind, const Tile& tile) const {
  if (!call_.scores || call_.score_kind != kind) return;
  for (int64_t row = tile.first; row < tile.end; ++row) {
    const Query q = query(row);
    const float* from = scores_of(tile, row);
    const float factor = kind == ScoreKind::kProbabilities && total(row) != 0 ? 1 / total(row) : 1;
    float* to = call_.scores +
                ((batch_ * shape_.heads + q.head) * shape_.queries + q.index) * shape_.keys +
                tile.begin;
    for (int64_t i = 0; i < tile.count; ++i) to[i] = factor * from[i * width_];
  }
}

// From products to what the softmax takes.
void AttentionBlock::finish_scores(const Tile& tile) {
  keep(ScoreKind::kProducts, tile);
  if (call_.softcap > 0) {
    const int64_t count = tile.count * width_;
    simd::scale_offset(scores_, 1 / call_.softcap, 0, scores_, count);
    simd::unary(simd::UnaryKind::kTanh, 0, 0, scores_, scores_, count);
    simd::scale_offset(scores_, call_.softcap, 0, scores_, count);
  }
  keep(ScoreKind::kCapped, tile);
  for (const ScoreMask& mask : call_.masks) {
    if (mask.data) add_mask(mask, tile);
  }
  for (int64_t row = tile.first; row < tile.end; ++row) {
    const Query q = query(row);
    fill_row(tile, row, 0, std::clamp<int64_t>(q.begin - tile.begin, 0, tile.count), kHidden);
    fill_row(tile, row, std::clamp<int64_t>(q.end - tile.begin, 0, tile.count), tile.count,
             kHidden);
  }
  keep(ScoreKind::kMasked, tile);
}

// simd::panel_soften for a panel of one.
void AttentionBlock::soften_row(const Tile& tile) {
  simd::PanelSoftmax& softmax = softmax_[tile.panel];
  const float top = std::max(simd::softmax_max(scores_, tile.count), softmax.max[0]);
  // Scores that are all hidden are taken as they are: exp(-inf) is 0.
  const float base = top == kHidden ? 0 : top;
  softmax.fade[0] = std::exp(softmax.max[0] - base);
  softmax.total[0] =
      softmax.total[0] * softmax.fade[0] + simd::softmax_exp(scores_, scores_, tile.count, base);
  softmax.max[0] = top;
}

void AttentionBlock::add_values(const Tile& tile) {
  const float* values = call_.v.at(batch_, kv_head_, tile.begin);
  float* to = sums(tile.panel);
  const float* fade = softmax_[tile.panel].fade;
  if (width_ == simd::kPanel) {
    simd::panel_add_values(values, call_.v.steps.row, shape_.v_size, scores_, tile.count, fade, to);
    return;
  }
  if (fade[0] != 1) simd::scale_offset(to, fade[0], 0, to, shape_.v_size);
  const simd::GemmShape shape{.m = 1,
                              .n = shape_.v_size,
                              .k = tile.count,
                              .a_stride = tile.count,
                              .c_stride = shape_.v_size,
                              .b_stride = call_.v.steps.row};
  simd::GemmEpilogue onto_sums;
  onto_sums.add = to;
  simd::gemm_block(shape, {scores_, values, to}, onto_sums, 0, 1, 0, panels(shape_.v_size));
}

void AttentionBlock::store(int64_t panel) {
  const float* rows = sums(panel);
  if (width_ == simd::kPanel) {
    simd::transpose_matrix(rows, shape_.v_size, width_, width_, row_);
    rows = row_;
  }
  const int64_t first = panel * width_, end = std::min(first + width_, rows_);
  const float hidden =
      call_.hidden_is_nan && shape_.keys > 0 ? std::numeric_limits<float>::quiet_NaN() : 0;
  for (int64_t row = first; row < end; ++row, rows += shape_.v_size) {
    const Query q = query(row);
    const float factor = total(row) == 0 ? hidden : 1 / total(row);
    simd::scale_offset(rows, factor, 0,
                       call_.y + batch_ * call_.y_steps.batch + q.head * call_.y_steps.head +
                           q.index * call_.y_steps.row,
                       shape_.v_size);
  }
}

void AttentionBlock::run_tile(const Tile& tile) {
  if (!call_.scores && !sees_any(tile)) return;
  multiply_keys(tile);
  finish_scores(tile);
  width_ == 1 ? soften_row(tile) : simd::panel_soften(scores_, tile.count, softmax_[tile.panel]);
  keep(ScoreKind::kProbabilities, tile);
  add_values(tile);
}

void AttentionBlock::run() {
  load_queries();
  const int64_t length = call_.scores ? shape_.keys : call_.spans[batch_].length;
  const int64_t panel_count = ceil_div(rows_, width_);
  for (int64_t begin = 0; begin < length; begin += tile_) {
    const int64_t count = std::min(tile_, length - begin);
    for (int64_t panel = 0; panel < panel_count; ++panel) {
      const int64_t first = panel * width_;
      run_tile({begin, count, panel, first, std::min(first + width_, rows_)});
    }
  }
  for (int64_t panel = 0; panel < panel_count; ++panel) store(panel);
}

// Parts of about kTileKeys keys of the same size, whole tiles of the product.
int64_t tile_keys(int64_t keys) {
  const int64_t tiles = ceil_div(std::max<int64_t>(keys, 1), kTileKeys);
  return std::min(keys, round_up<int64_t>(ceil_div(keys, tiles), simd::kMainRows));
}

Result<AttentionPlan> AttentionPlan::make(const AttentionShape& shape, bool scores_wanted,
                                          ScratchLayout& scratch) {
  AttentionPlan plan;
  const int64_t all = shape.group() * shape.queries;
  plan.tile_ = scores_wanted ? shape.keys : tile_keys(shape.keys);
  plan.rows_ = std::clamp<int64_t>(all, 1, kBlockRows);
  const int64_t units = shape.batch * shape.kv_heads * ceil_div(all, plan.rows_);
  plan.threads_ = static_cast<int>(std::clamp<int64_t>(units, 1, simd::threads_wanted()));
  const auto part = Part::of(shape, plan.rows_, plan.tile_);
  plan.thread_floats_ = part ? part->size : 0;
  SX_ASSIGN(plan.offset_, scratch.add_floats(part ? checked_mul<int64_t>(part->size, plan.threads_)
                                                  : std::nullopt));
  return plan;
}

Status AttentionPlan::run(const AttentionCall& call, uint8_t* scratch) const {
  const AttentionShape& shape = call.shape;
  const int64_t all = shape.group() * shape.queries;
  const int64_t units = shape.batch * shape.kv_heads * ceil_div(all, rows_);
  const double work = static_cast<double>(rows_) * static_cast<double>(shape.keys) *
                      static_cast<double>(shape.size + shape.v_size);
  const int64_t grain = simd::grain_for(kNsPerProduct * work);
  auto* memory = reinterpret_cast<float*>(scratch + offset_);
  return simd::parallel_for(units, grain, threads_, [&](int64_t begin, int64_t end, int thread) {
    for (int64_t unit = begin; unit < end; ++unit) {
      AttentionBlock(*this, call, memory + thread * thread_floats_, unit).run();
    }
  });
}

}  // namespace sardonyx::ops
