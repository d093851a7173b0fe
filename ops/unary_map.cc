#include "ops/unary_map.h"

#include <algorithm>

#include "ops/convert.h"
#include "ops/shape_rule.h"
#include "simd/parallel.h"

namespace sardonyx::ops {
namespace {

constexpr int64_t kBlock = 128;      // elements that are converted at once
constexpr int64_t kGrain = 1 << 14;  // elements per chunk, a multiple of kBlock

template <typename T>
void map(T (*fn)(T, const UnaryParams&), const UnaryParams& p, T* block, int64_t n) {
  for (int64_t i = 0; i < n; ++i) block[i] = fn(block[i], p);
}

void apply_block(const UnarySpec& spec, const UnaryParams& p, DType dtype, const void* x, void* y,
                 int64_t n) {
  union {
    float f32[kBlock];
    double f64[kBlock];
    int64_t i64[kBlock];
    uint64_t u64[kBlock];
  } block;
  DType compute = compute_dtype(dtype);
  if (compute == DType::kFloat32 && !spec.f32) compute = DType::kFloat64;
  convert(compute, &block, dtype, x, 1, n);
  switch (compute) {
    case DType::kFloat32:
      spec.f32(block.f32, block.f32, n, p);
      break;
    case DType::kFloat64:
      map(spec.f64, p, block.f64, n);
      break;
    case DType::kUint64:
      map(spec.u64, p, block.u64, n);
      break;
    default:
      map(spec.i64, p, block.i64, n);
  }
  convert(dtype, y, compute, &block, 1, n);
}

bool is_unsigned(DType dtype) {
  return dtype == DType::kUint8 || dtype == DType::kUint16 || dtype == DType::kUint32;
}

}  // namespace

Status check_unary_dtype(const UnarySpec& spec, DType dtype) {
  bool supported = false;
  switch (compute_dtype(dtype)) {
    case DType::kFloat32:
    case DType::kFloat64:
      supported = true;
      break;
    case DType::kUint64:
      supported = spec.u64 != nullptr;
      break;
    case DType::kInt64:
      supported = spec.i64 != nullptr && dtype != DType::kBool && (spec.u64 || !is_unsigned(dtype));
      break;
    default:
      break;
  }
  return supported ? Status() : unsupported_dtype(dtype);
}

Status apply_unary(const UnarySpec& spec, const UnaryParams& p, const TensorView& x,
                   const TensorView& y) {
  const int64_t count = storage_elements(y.shape, y.layout).value_or(0);
  const auto width = static_cast<size_t>(dtype_bits(y.dtype)) / 8;
  return simd::parallel_for(count, kGrain, [&](int64_t begin, int64_t end) {
    if (y.dtype == DType::kFloat32 && spec.f32) {
      return spec.f32(x.as<const float>() + begin, y.as<float>() + begin, end - begin, p);
    }
    for (int64_t i = begin; i < end; i += kBlock) {
      const auto offset = static_cast<size_t>(i) * width;
      apply_block(spec, p, y.dtype, x.as<const uint8_t>() + offset, y.as<uint8_t>() + offset,
                  std::min(kBlock, end - i));
    }
  });
}

}  // namespace sardonyx::ops
