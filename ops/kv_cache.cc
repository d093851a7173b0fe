#include "ops/kv_cache.h"

#include <algorithm>
#include <cstring>

#include "simd/parallel.h"

namespace sardonyx::ops {

Result<KvCache> KvCache::place(const TensorView& past, const TensorView& present,
                               const AttentionShape& shape, int64_t size, int64_t capacity,
                               ScratchLayout& scratch) {
  KvCache out;
  out.batch_ = shape.batch;
  out.heads_ = shape.kv_heads;
  out.size_ = size;
  out.capacity_ = capacity;
  out.in_place_ = !past.present() && !present.present();
  if (out.in_place_ || present.present()) return out;
  auto count = checked_mul(out.batch_, out.heads_);
  if (count) count = checked_mul(*count, size);
  if (count) count = checked_mul(*count, capacity);
  SX_ASSIGN(out.offset_, scratch.add_floats(count));
  return out;
}

Result<HeadRows> KvCache::gather(const TensorView& past, const HeadRows& fresh, int64_t added,
                                 const int64_t* past_rows, const TensorView& present,
                                 uint8_t* scratch) const {
  if (in_place_) return fresh;
  float* to = present.present() ? present.as<float>() : reinterpret_cast<float*>(scratch + offset_);
  const int64_t past_length = past.present() ? past.shape[2] : 0;
  const double ns_per_head = 0.2 * static_cast<double>(capacity_) * static_cast<double>(size_);
  SX_TRY(simd::parallel_for(
      batch_ * heads_, simd::grain_for(ns_per_head), [&](int64_t begin, int64_t end) {
        const auto row_bytes = static_cast<size_t>(size_) * sizeof(float);
        for (int64_t i = begin; i < end; ++i) {
          const int64_t batch = i / heads_, head = i % heads_, old = past_rows[batch];
          float* rows = to + i * capacity_ * size_;
          if (old > 0) {
            std::memcpy(rows, past.as<const float>() + i * past_length * size_,
                        static_cast<size_t>(old) * row_bytes);
          }
          for (int64_t row = 0; row < added; ++row) {
            std::memcpy(rows + (old + row) * size_, fresh.at(batch, head, row), row_bytes);
          }
          std::fill(rows + (old + added) * size_, rows + capacity_ * size_, 0.0f);
        }
      }));
  return HeadRows{to, heads_outside(heads_, capacity_, size_)};
}

}  // namespace sardonyx::ops
