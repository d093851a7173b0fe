#include "ops/binary_map.h"

#include <algorithm>
#include <atomic>

#include "ops/convert.h"
#include "ops/shape_rule.h"
#include "simd/parallel.h"

namespace sardonyx::ops {
namespace {

constexpr int64_t kBlock = 128;      // elements that are converted at once
constexpr int64_t kGrain = 1 << 14;  // elements per chunk

union Block {
  double f64[kBlock];
  int64_t i64[kBlock];
  uint64_t u64[kBlock];
};

template <typename T>
void combine(T (*fn)(T, T), T* a, const T* b, int64_t n) {
  for (int64_t i = 0; i < n; ++i) a[i] = fn(a[i], b[i]);
}

// The type that both operands are computed in.
DType common_dtype(DType a, DType b) {
  const DType x = compute_dtype(a);
  const DType y = compute_dtype(b);
  return x == y && x != DType::kFloat32 ? x : DType::kFloat64;
}

class BlockMap {
 public:
  BlockMap(const BinarySpec& spec, const TensorView& a, const TensorView& b, const TensorView& y)
      : spec_(spec), a_(a), b_(b), y_(y), compute_(common_dtype(a.dtype, b.dtype)) {}

  // False after a division by zero.
  bool row(const RowCursor& row) const {
    bool valid = true;
    for (int64_t i = 0; i < row.count; i += kBlock) {
      const int64_t n = std::min(kBlock, row.count - i);
      Block a, b;
      convert(compute_, &a, a_.dtype, at(a_, row.operand(0) + i * row.step(0)), row.step(0), n);
      convert(compute_, &b, b_.dtype, at(b_, row.operand(1) + i * row.step(1)), row.step(1), n);
      valid &= block(a, b, n);
      convert(y_.dtype, at(y_, row.out + i), compute_, &a, 1, n);
    }
    return valid;
  }

 private:
  static uint8_t* at(const TensorView& tensor, int64_t index) {
    return tensor.as<uint8_t>() + index * (dtype_bits(tensor.dtype) / 8);
  }

  // a = spec(a, b)
  bool block(Block& a, Block& b, int64_t n) const {
    if (compute_ == DType::kFloat64) {
      combine(spec_.f64, a.f64, b.f64, n);
      return true;
    }
    bool valid = true;
    if (spec_.flags & kDivides) {
      for (int64_t i = 0; i < n; ++i) {
        if (b.i64[i] != 0) continue;
        valid = false;
        b.i64[i] = 1;
      }
    }
    if (compute_ == DType::kUint64) {
      combine(spec_.u64, a.u64, b.u64, n);
    } else {
      combine(spec_.i64, a.i64, b.i64, n);
    }
    return valid;
  }

  const BinarySpec& spec_;
  const TensorView &a_, &b_, &y_;
  DType compute_;
};

Status check_class(const BinarySpec& spec, DType dtype) {
  uint32_t wanted = kIntegers;
  switch (compute_dtype(dtype)) {
    case DType::kUndefined:
      return unsupported_dtype(dtype);
    case DType::kFloat32:
    case DType::kFloat64:
      wanted = kFloats;
      break;
    default:
      if (dtype == DType::kBool) wanted = kBools;
  }
  return spec.flags & wanted ? Status() : unsupported_dtype(dtype);
}

}  // namespace

Status check_binary_dtypes(const BinarySpec& spec, DType a, DType b) {
  SX_TRY(check_class(spec, a));
  SX_TRY(check_class(spec, b));
  if (a == b || (spec.flags & kMixedDTypes)) return {};
  return error(ErrorCode::DTYPE_UNSUPPORTED, "operands of dtypes %s and %s: must be the same",
               std::string(dtype_name(a)).c_str(), std::string(dtype_name(b)).c_str());
}

Status apply_binary(const BinarySpec& spec, const BroadcastPlan& plan, const TensorView& a,
                    const TensorView& b, const TensorView& y) {
  const bool float_rows = spec.f32 && a.dtype == DType::kFloat32 && b.dtype == DType::kFloat32;
  const BlockMap blocks(spec, a, b, y);
  std::atomic<bool> valid{true};
  SX_TRY(simd::parallel_for(plan.elements, kGrain, [&](int64_t begin, int64_t end) {
    for (RowCursor row(plan, begin, end); row.next();) {
      if (float_rows) {
        spec.f32(a.as<const float>() + row.operand(0), row.step(0),
                 b.as<const float>() + row.operand(1), row.step(1), y.as<float>() + row.out,
                 row.count);
      } else if (!blocks.row(row)) {
        valid.store(false, std::memory_order_relaxed);
      }
    }
  }));
  // Padding lanes of NC4HW4 hold anything, zeros included.
  if (!valid.load() && y.layout == Layout::kRowMajor) {
    return error(ErrorCode::VALUE_RANGE, "an integer is divided by zero");
  }
  return {};
}

}  // namespace sardonyx::ops
