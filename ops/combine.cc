#include "ops/combine.h"

#include <algorithm>
#include <cstring>

#include "ops/convert.h"
#include "ops/shape_rule.h"
#include "ops/sort_key.h"

namespace sardonyx::ops {
namespace {

constexpr int64_t kBlock = 64;

template <typename T>
void combine_as(DType type, Combine mode, DType dtype, uint8_t* to, const uint8_t* from,
                int64_t n) {
  T a[kBlock], b[kBlock];
  convert(type, a, dtype, to, 1, n);
  convert(type, b, dtype, from, 1, n);
  for (int64_t i = 0; i < n; ++i) a[i] = mode == Combine::kAdd ? a[i] + b[i] : a[i] * b[i];
  convert(dtype, to, type, a, 1, n);
}

void choose(Combine mode, DType dtype, uint8_t* to, const uint8_t* from, int64_t n) {
  uint64_t a[kBlock], b[kBlock];
  sort_keys(dtype, to, n, a);
  sort_keys(dtype, from, n, b);
  const auto width = static_cast<size_t>(dtype_bits(dtype)) / 8;
  for (int64_t i = 0; i < n; ++i) {
    if (mode == Combine::kMax ? b[i] <= a[i] : b[i] >= a[i]) continue;
    std::memcpy(to + static_cast<size_t>(i) * width, from + static_cast<size_t>(i) * width, width);
  }
}

}  // namespace

Result<Combine> combine_mode(const Attributes& attributes) {
  constexpr std::string_view kNames[] = {"none", "add", "mul", "max", "min"};
  const std::string_view name = attributes.get_string("reduction", "none");
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (name == kNames[i]) return static_cast<Combine>(i);
  }
  return error(ErrorCode::ATTRIBUTE_INVALID, "attribute 'reduction' is '%.*s'",
               static_cast<int>(name.size()), name.data());
}

Status check_combine(Combine mode, DType dtype) {
  if (mode == Combine::kReplace) return check_movable(dtype);
  return compute_dtype(dtype) == DType::kUndefined ? unsupported_dtype(dtype) : Status();
}

void combine(Combine mode, DType dtype, void* to, const void* from, int64_t n) {
  const auto width = static_cast<size_t>(dtype_bits(dtype)) / 8;
  auto* target = static_cast<uint8_t*>(to);
  const auto* source = static_cast<const uint8_t*>(from);
  if (mode == Combine::kReplace) return copy_bytes(to, from, static_cast<size_t>(n) * width);
  const DType compute = compute_dtype(dtype);
  const bool floats = compute == DType::kFloat32 || compute == DType::kFloat64;
  for (int64_t done = 0; done < n; done += kBlock) {
    const int64_t count = std::min(kBlock, n - done);
    const size_t offset = static_cast<size_t>(done) * width;
    if (mode == Combine::kMax || mode == Combine::kMin) {
      choose(mode, dtype, target + offset, source + offset, count);
    } else if (floats) {
      combine_as<double>(DType::kFloat64, mode, dtype, target + offset, source + offset, count);
    } else {
      combine_as<uint64_t>(DType::kUint64, mode, dtype, target + offset, source + offset, count);
    }
  }
}

}  // namespace sardonyx::ops
