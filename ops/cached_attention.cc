#include "ops/cached_attention.h"

#include <algorithm>
#include <cstring>

#include "simd/parallel.h"

namespace sardonyx::ops {

void set_cache_outputs(InferContext& context, DType dtype, const AttentionShape& s) {
  const Shape shapes[] = {{s.batch, s.kv_heads, s.keys, s.size},
                          {s.batch, s.kv_heads, s.keys, s.v_size},
                          {s.batch, s.heads, s.queries, s.keys}};
  for (size_t i = 0; i < std::size(shapes) && context.has_output(i + 1); ++i) {
    context.set_output(i + 1, dtype, shapes[i]);
  }
}

Result<KvBuffer> KvBuffer::place(const CacheTensors& tensors, const AttentionShape& shape,
                                 int64_t size, ScratchLayout& scratch) {
  KvBuffer out;
  out.batch_ = shape.batch;
  out.heads_ = shape.kv_heads;
  out.size_ = size;
  out.capacity_ = shape.keys;
  out.in_place_ = !tensors.past.present() && !tensors.present.present();
  if (out.in_place_ || tensors.present.present()) return out;
  auto count = checked_mul(out.batch_, out.heads_);
  if (count) count = checked_mul(*count, size);
  if (count) count = checked_mul(*count, out.capacity_);
  SX_ASSIGN(out.offset_, scratch.add_floats(count));
  return out;
}

Result<HeadRows> KvBuffer::gather(const CacheTensors& tensors, const HeadRows& fresh, int64_t added,
                                  const KeySpan* spans, uint8_t* scratch) const {
  if (in_place_) return fresh;
  float* to = tensors.present.present() ? tensors.present.as<float>()
                                        : reinterpret_cast<float*>(scratch + offset_);
  const int64_t past_length = tensors.past.present() ? tensors.past.shape[2] : 0;
  const double ns_per_head = 0.2 * static_cast<double>(capacity_) * static_cast<double>(size_);
  const auto row_bytes = static_cast<size_t>(size_) * sizeof(float);
  const auto copy_head = [&](int64_t i) {
    const int64_t batch = i / heads_, head = i % heads_, old = spans[batch].past;
    float* rows = to + i * capacity_ * size_;
    if (old > 0) {
      std::memcpy(rows, tensors.past.as<const float>() + i * past_length * size_,
                  static_cast<size_t>(old) * row_bytes);
    }
    for (int64_t row = 0; row < added; ++row) {
      std::memcpy(rows + (old + row) * size_, fresh.at(batch, head, row), row_bytes);
    }
    std::fill(rows + (old + added) * size_, rows + capacity_ * size_, 0.0f);
  };
  SX_TRY(simd::parallel_for(batch_ * heads_, simd::grain_for(ns_per_head),
                            [&](int64_t begin, int64_t end) {
                              for (int64_t i = begin; i < end; ++i) copy_head(i);
                            }));
  return HeadRows{to, heads_outside(heads_, capacity_, size_)};
}

Result<CachedAttention> CachedAttention::make(const AttentionShape& shape, const CacheTensors& keys,
                                              const CacheTensors& values, bool scores_wanted,
                                              ScratchLayout& scratch) {
  SX_TRY(check_attention(shape));
  CachedAttention out;
  SX_ASSIGN(out.attention_, AttentionPlan::make(shape, scores_wanted, scratch));
  SX_ASSIGN(out.keys_, KvBuffer::place(keys, shape, shape.size, scratch));
  SX_ASSIGN(out.values_, KvBuffer::place(values, shape, shape.v_size, scratch));
  SX_ASSIGN(out.spans_, scratch.add(shape.batch, sizeof(KeySpan)));
  return out;
}

KeySpan* CachedAttention::spans(uint8_t* scratch) const {
  return reinterpret_cast<KeySpan*>(scratch + spans_);
}

Status CachedAttention::run(AttentionCall call, int64_t added, const CacheTensors& keys,
                            const CacheTensors& values, uint8_t* scratch) const {
  call.spans = spans(scratch);
  SX_ASSIGN(call.k, keys_.gather(keys, call.k, added, call.spans, scratch));
  SX_ASSIGN(call.v, values_.gather(values, call.v, added, call.spans, scratch));
  return attention_.run(call, scratch);
}

}  // namespace sardonyx::ops
