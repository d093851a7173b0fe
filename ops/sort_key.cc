#include "ops/sort_key.h"

#include <algorithm>
#include <bit>

#include "ops/convert.h"

namespace sardonyx::ops {
namespace {

constexpr int64_t kBlock = 128;
constexpr uint64_t kSign = uint64_t{1} << 63;

uint64_t key_of(double value) {
  if (value != value) return UINT64_MAX;
  const auto bits = std::bit_cast<uint64_t>(value + 0.0);  // -0 + 0 is 0
  return bits & kSign ? ~bits : bits | kSign;
}

bool before(const KeyedIndex& a, const KeyedIndex& b) {
  return a.key != b.key ? a.key < b.key : a.index < b.index;
}

}  // namespace

void sort_keys(DType dtype, const void* src, int64_t n, uint64_t* keys) {
  const DType compute = compute_dtype(dtype);
  if (compute == DType::kUint64 || compute == DType::kInt64) {
    convert(DType::kUint64, keys, dtype, src, 1, n);
    for (int64_t i = 0; i < n && compute == DType::kInt64; ++i) keys[i] ^= kSign;
    return;
  }
  const auto width = static_cast<size_t>(dtype_bits(dtype)) / 8;
  const auto* from = static_cast<const uint8_t*>(src);
  double block[kBlock];
  for (int64_t done = 0; done < n; done += kBlock) {
    const int64_t count = std::min(kBlock, n - done);
    convert(DType::kFloat64, block, dtype, from + static_cast<size_t>(done) * width, 1, count);
    for (int64_t i = 0; i < count; ++i) keys[done + i] = key_of(block[i]);
  }
}

void sort_keyed(KeyedIndex* items, int64_t n) {
  std::sort(items, items + n, before);
}

void select_keyed(KeyedIndex* items, int64_t n, int64_t count) {
  if (count < n) std::nth_element(items, items + count, items + n, before);
  sort_keyed(items, count);
}

}  // namespace sardonyx::ops
