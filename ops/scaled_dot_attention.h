// softmax(scale * Q * K^T + masks) * V for many heads, in float32: what all attention operators
// share. Keys are taken in tiles with a running maximum, so the scores of a whole row are in memory
// only when they are an output.
#pragma once

#include <array>
#include <cstdint>
#include <limits>

#include "base/status.h"
#include "base/tensor.h"
#include "ops/scratch.h"

namespace sardonyx::ops {

// Floats from one batch entry, head and row of a tensor to the next; elements are neighbours.
struct HeadSteps {
  int64_t batch = 0, head = 0, row = 0;
};
// Of [batch, heads, length, size], and of [batch, length, heads * size].
HeadSteps heads_outside(int64_t heads, int64_t length, int64_t size);
HeadSteps heads_inside(int64_t heads, int64_t length, int64_t size);

struct HeadRows {
  const float* data = nullptr;
  HeadSteps steps;

  const float* at(int64_t batch, int64_t head, int64_t row) const {
    return data + batch * steps.batch + head * steps.head + row * steps.row;
  }
};

// Float32 numbers that are added to the scores, or bools or int32s: where one of these is 0, or
// where it is not if `hides`, the score becomes `hidden`, or gets it added.
struct ScoreMask {
  const void* data = nullptr;  // null: no mask
  DType dtype = DType::kUndefined;
  HeadSteps steps;  // in elements; 0 where it broadcasts
  int64_t key_step = 1;
  int64_t length = 0;  // keys that it has; those beyond are hidden
  float hidden = -std::numeric_limits<float>::infinity();
  bool hides = false, adds_hidden = false;
};
// A mask of up to four dims that broadcasts to [batch, heads, queries, keys]; its last dim may be
// shorter than `keys`. SHAPE_MISMATCH.
Result<ScoreMask> make_mask(const TensorView& mask, int64_t batch, int64_t heads, int64_t queries,
                            int64_t keys);

// The keys of one batch entry.
struct KeySpan {
  int64_t length = 0;  // only these count
  int64_t offset = 0;  // causal: query i sees keys up to i + offset
  int64_t past = 0;    // so many of them are of earlier runs (ops/cached_attention.h)
};

enum class ScoreKind : uint8_t { kProducts, kCapped, kMasked, kProbabilities };

struct AttentionShape {
  int64_t batch = 0, heads = 0, kv_heads = 0, queries = 0, keys = 0, size = 0, v_size = 0;

  int64_t group() const { return heads / kv_heads; }
};
// Dims that can be computed with: kv_heads divides heads, head sizes are positive. SHAPE_MISMATCH.
Status check_attention(const AttentionShape& shape);

struct AttentionCall {
  AttentionShape shape;
  HeadRows q, k, v;
  float* y = nullptr;
  HeadSteps y_steps;
  float scale = 1, softcap = 0;
  bool causal = false;
  bool hidden_is_nan = false;      // what a query that sees no key gets, instead of zeros
  int64_t window = -1;             // causal: how many keys before the last one are seen; -1: all
  const KeySpan* spans = nullptr;  // one per batch entry
  std::array<ScoreMask, 2> masks;
  // A score per head (or 0 for all when `has_sink` alone) that takes part in the softmax only.
  bool has_sink = false;
  const float* sinks = nullptr;
  float* scores = nullptr;  // wanted: [batch, heads, queries, keys]
  ScoreKind score_kind = ScoreKind::kProducts;
};

// How a call of this shape is cut, and where its scratch memory lies.
class AttentionPlan {
 public:
  static Result<AttentionPlan> make(const AttentionShape& shape, bool scores_wanted,
                                    ScratchLayout& scratch);
  // `scratch` is where the layout's memory begins.
  Status run(const AttentionCall& call, uint8_t* scratch) const;

 private:
  struct Part;
  friend class AttentionBlock;

  int64_t rows_ = 0;  // of a block
  int64_t tile_ = 0;  // keys
  int threads_ = 1;
  int64_t thread_floats_ = 0;
  size_t offset_ = 0;
};

}  // namespace sardonyx::ops
