#include "ops/scaled_dot_attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "simd/elementwise.h"
#include "simd/gemm.h"
#include "simd/parallel.h"
#include "simd/reduce.h"
#include "simd/softmax.h"

namespace sardonyx::ops {

namespace {

constexpr float kHidden = -std::numeric_limits<float>::infinity();
// Queries of a block and keys of a tile: multiples of the product's tiles, and small enough that
// keys, values and scores of a tile stay in the second-level cache.
constexpr int64_t kBlockRows = 48;
constexpr int64_t kTileKeys = 96;
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
  int64_t rows = 0, queries = 0, packed = 0, turned = 0, scores = 0, values = 0, sums = 0, max = 0,
          total = 0, size = 0;

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
    const int64_t padded = panels(rows) * simd::kPanel;
    add(out.queries, rows, shape.size);
    add(out.packed, padded, shape.size);
    add(out.turned, tile, padded);
    add(out.scores, tile, rows);
    add(out.values, tile, shape.v_size < simd::kPanel ? simd::kPanel : 0);
    add(out.sums, rows, shape.v_size);
    add(out.max, rows, 1);
    add(out.total, rows, 1);
    return fits ? std::optional(out) : std::nullopt;
  }
};

// One block of queries that share keys.
class AttentionBlock {
 public:
  AttentionBlock(const AttentionPlan& plan, const AttentionCall& call, float* memory, int64_t unit);
  void run();

 private:
  struct Query {
    int64_t head, index;
    int64_t begin, end;  // the keys that it sees
  };
  Query query(int64_t row) const;
  void load_queries();
  void multiply_keys(int64_t begin, int64_t count);
  void mask_row(const ScoreMask& mask, const Query& query, int64_t begin, int64_t count,
                float* scores) const;
  void finish_scores(int64_t row, int64_t begin, int64_t count);
  void soften(int64_t row, int64_t count);
  void add_values(int64_t begin, int64_t count);
  void store(int64_t row);
  float* score_row(const Query& query) const;

  const AttentionCall& call_;
  const AttentionShape& shape_;
  int64_t tile_;
  int64_t batch_, kv_head_, first_, rows_;
  float *queries_, *packed_, *turned_, *scores_, *values_, *sums_, *max_, *total_;
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
  const auto part = *AttentionPlan::Part::of(shape_, plan.rows_, plan.tile_);
  queries_ = memory + part.queries;
  packed_ = memory + part.packed;
  turned_ = memory + part.turned;
  scores_ = memory + part.scores;
  values_ = memory + part.values;
  sums_ = memory + part.sums;
  max_ = memory + part.max;
  total_ = memory + part.total;
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
  for (int64_t row = 0; row < rows_; ++row) {
    const Query q = query(row);
    std::memcpy(queries_ + row * shape_.size, call_.q.at(batch_, q.head, q.index), bytes);
    const float sink = call_.sinks ? call_.sinks[q.head] : 0.0f;
    max_[row] = call_.has_sink ? sink : kHidden;
    total_[row] = call_.has_sink ? 1.0f : 0.0f;
  }
  std::fill_n(sums_, rows_ * shape_.v_size, 0.0f);
  if (rows_ < kPackedRows) return;
  simd::gemm_pack_b(queries_, shape_.size, rows_, 1, shape_.size, call_.scale, 0, panels(rows_),
                    packed_);
}

// scores[row][key] = scale * query . key, rows `count` apart.
void AttentionBlock::multiply_keys(int64_t begin, int64_t count) {
  const float* keys = call_.k.at(batch_, kv_head_, begin);
  const int64_t step = call_.k.steps.row;
  if (rows_ < kPackedRows) {
    for (int64_t row = 0; row < rows_; ++row) {
      for (int64_t key = 0; key < count; ++key) {
        scores_[row * count + key] =
            call_.scale * simd::dot(queries_ + row * shape_.size, keys + key * step, shape_.size);
      }
    }
    return;
  }
  const simd::GemmShape shape{
      .m = count, .n = rows_, .k = shape_.size, .a_stride = step, .c_stride = rows_};
  simd::gemm_block(shape, {keys, packed_, turned_}, {}, 0, count, 0, panels(rows_));
  simd::transpose_matrix(turned_, count, rows_, rows_, scores_);
}

void AttentionBlock::mask_row(const ScoreMask& mask, const Query& query, int64_t begin,
                              int64_t count, float* scores) const {
  const int64_t shown = std::clamp<int64_t>(mask.length - begin, 0, count);
  const int64_t at = batch_ * mask.steps.batch + query.head * mask.steps.head +
                     query.index * mask.steps.row + begin;
  const auto hide = [&](const auto* flags) {
    for (int64_t i = 0; i < shown; ++i) {
      if (!flags[at + i]) scores[i] = mask.hidden == kHidden ? kHidden : scores[i] + mask.hidden;
    }
  };
  if (shown > 0) {
    if (mask.dtype == DType::kFloat32) {
      const float* added = static_cast<const float*>(mask.data) + at;
      simd::binary(simd::BinaryKind::kAdd, {scores}, {added}, scores, shown);
    } else if (mask.dtype == DType::kInt32) {
      hide(static_cast<const int32_t*>(mask.data));
    } else {
      hide(static_cast<const uint8_t*>(mask.data));
    }
  }
  std::fill(scores + shown, scores + count, kHidden);
}

float* AttentionBlock::score_row(const Query& query) const {
  return call_.scores +
         ((batch_ * shape_.heads + query.head) * shape_.queries + query.index) * shape_.keys;
}

// From products to what the softmax takes.
void AttentionBlock::finish_scores(int64_t row, int64_t begin, int64_t count) {
  const Query q = query(row);
  float* scores = scores_ + row * count;
  const auto keep = [&](ScoreKind kind) {
    if (!call_.scores || call_.score_kind != kind) return;
    std::memcpy(score_row(q) + begin, scores, static_cast<size_t>(count) * sizeof(float));
  };
  keep(ScoreKind::kProducts);
  if (call_.softcap > 0) {
    simd::scale_offset(scores, 1 / call_.softcap, 0, scores, count);
    simd::unary(simd::UnaryKind::kTanh, 0, 0, scores, scores, count);
    simd::scale_offset(scores, call_.softcap, 0, scores, count);
  }
  keep(ScoreKind::kCapped);
  for (const ScoreMask& mask : call_.masks) {
    if (mask.data) mask_row(mask, q, begin, count, scores);
  }
  std::fill(scores, scores + std::clamp<int64_t>(q.begin - begin, 0, count), kHidden);
  std::fill(scores + std::clamp<int64_t>(q.end - begin, 0, count), scores + count, kHidden);
  keep(ScoreKind::kMasked);
}

// Scores become exp(score - running maximum); what is summed so far is brought to that maximum.
void AttentionBlock::soften(int64_t row, int64_t count) {
  float* scores = scores_ + row * count;
  const float top = std::max(simd::softmax_max(scores, count), max_[row]);
  if (top == kHidden) {
    // All hidden, or NaN, which stays.
    for (int64_t i = 0; i < count; ++i) scores[i] = scores[i] == kHidden ? 0 : scores[i];
    total_[row] += simd::reduce_sum(scores, count);
    return;
  }
  const float fade = std::exp(max_[row] - top);
  if (fade != 1.0f) {
    float* sums = sums_ + row * shape_.v_size;
    simd::scale_offset(sums, fade, 0, sums, shape_.v_size);
  }
  total_[row] = total_[row] * fade + simd::softmax_exp(scores, scores, count, top);
  max_[row] = top;
}

void AttentionBlock::add_values(int64_t begin, int64_t count) {
  const float* values = call_.v.at(batch_, kv_head_, begin);
  simd::GemmShape shape{.m = rows_,
                        .n = shape_.v_size,
                        .k = count,
                        .a_stride = count,
                        .c_stride = shape_.v_size,
                        .b_stride = call_.v.steps.row};
  if (shape_.v_size < simd::kPanel) {
    simd::gemm_pack_b(values, count, shape_.v_size, shape.b_stride, 1, 1.0f, 0, 1, values_);
    values = values_;
    shape.b_stride = 0;
  }
  simd::GemmEpilogue onto_sums;
  onto_sums.add = sums_;
  onto_sums.add_stride = shape_.v_size;
  simd::gemm_block(shape, {scores_, values, sums_}, onto_sums, 0, rows_, 0, panels(shape_.v_size));
}

void AttentionBlock::store(int64_t row) {
  const Query q = query(row);
  // A query that sees no key gets zeros.
  const float factor = total_[row] == 0 ? 0 : 1 / total_[row];
  simd::scale_offset(sums_ + row * shape_.v_size, factor, 0,
                     call_.y + batch_ * call_.y_steps.batch + q.head * call_.y_steps.head +
                         q.index * call_.y_steps.row,
                     shape_.v_size);
  if (call_.scores && call_.score_kind == ScoreKind::kProbabilities) {
    simd::scale_offset(scores_ + row * shape_.keys, factor, 0, score_row(q), shape_.keys);
  }
}

void AttentionBlock::run() {
  load_queries();
  int64_t begin = shape_.keys, end = 0;
  for (int64_t row = 0; row < rows_; ++row) {
    const Query q = query(row);
    if (q.begin >= q.end) continue;
    begin = std::min(begin, q.begin);
    end = std::max(end, q.end);
  }
  if (call_.scores) {
    begin = 0;
    end = shape_.keys;
  }
  for (; begin < end; begin += tile_) {
    const int64_t count = std::min(tile_, end - begin);
    multiply_keys(begin, count);
    for (int64_t row = 0; row < rows_; ++row) {
      finish_scores(row, begin, count);
      soften(row, count);
    }
    add_values(begin, count);
  }
  for (int64_t row = 0; row < rows_; ++row) store(row);
}

Result<AttentionPlan> AttentionPlan::make(const AttentionShape& shape, bool scores_wanted,
                                          ScratchLayout& scratch) {
  AttentionPlan plan;
  const int64_t all = shape.group() * shape.queries;
  plan.tile_ = scores_wanted ? shape.keys : std::min(shape.keys, kTileKeys);
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
