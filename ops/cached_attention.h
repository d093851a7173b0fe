// Attention to the keys and values of earlier runs and to those of this one behind them.
#pragma once

#include "ops/operator.h"
#include "ops/scaled_dot_attention.h"

namespace sardonyx::ops {

// Keys or values of an operator beside the fresh ones: [batch, heads, length, size] of earlier
// runs, and with the fresh ones, for the next run. Either may be absent.
struct CacheTensors {
  TensorView past, present;

  // Input i and output o of a BindContext or RunContext.
  template <typename Context>
  static CacheTensors of(const Context& context, size_t i, size_t o) {
    CacheTensors out;
    if (i < context.inputs.size()) out.past = context.inputs[i];
    if (o < context.outputs.size()) out.present = context.outputs[o];
    return out;
  }
};

// Sets the shapes of the outputs beside the first, as far as they are wanted: keys and values with
// those of the past, and scores. Dims may be unknown.
void set_cache_outputs(InferContext& context, DType dtype, const AttentionShape& shape);

// Where the keys or values of a call are: as they came, or behind those of the past in a buffer,
// which is `present` where it is wanted and else scratch memory.
class KvBuffer {
 public:
  static Result<KvBuffer> place(const CacheTensors& tensors, const AttentionShape& shape,
                                int64_t size, ScratchLayout& scratch);
  // `added` fresh rows behind spans[b].past rows of batch entry b; what is left of the buffer
  // becomes zero. The rows fit.
  Result<HeadRows> gather(const CacheTensors& tensors, const HeadRows& fresh, int64_t added,
                          const KeySpan* spans, uint8_t* scratch) const;

 private:
  bool in_place_ = true;
  size_t offset_ = 0;
  int64_t batch_ = 0, heads_ = 0, size_ = 0, capacity_ = 0;
};

class CachedAttention {
 public:
  // shape.keys is the length of the buffers.
  static Result<CachedAttention> make(const AttentionShape& shape, const CacheTensors& keys,
                                      const CacheTensors& values, bool scores_wanted,
                                      ScratchLayout& scratch);
  // For the caller to fill, one per batch entry.
  KeySpan* spans(uint8_t* scratch) const;
  // call.k and call.v are the `added` fresh rows; call.shape.keys may be less than the length of
  // the buffers.
  Status run(AttentionCall call, int64_t added, const CacheTensors& keys,
             const CacheTensors& values, uint8_t* scratch) const;

 private:
  AttentionPlan attention_;
  KvBuffer keys_, values_;
  size_t spans_ = 0;
};

}  // namespace sardonyx::ops
