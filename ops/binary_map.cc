#include "ops/binary_map.h"

#include <algorithm>
#include <atomic>

#include "ops/convert.h"
#include "ops/shape_rule.h"
#include "simd/parallel.h"

namespace sardonyx::ops {
namespace {

constexpr int64_t kBlock = 128;      // elements that are converted or gathered at once
constexpr int64_t kGrain = 1 << 14;  // elements per chunk, a multiple of kBlock
constexpr int64_t kShortRow = 16;    // rows below this length are gathered into blocks

// kBlock elements of any type.
union Block {
  uint8_t bytes[kBlock * sizeof(int64_t)];
  int64_t i64[kBlock];
};

// Elements of an operand, 0 or 1 elements apart.
struct Span {
  const uint8_t* data;
  int64_t step;
};

int64_t width_of(const TensorView& tensor) {
  return dtype_bits(tensor.dtype) / 8;
}

// The type that both operands are computed in.
DType common_dtype(const BinarySpec& spec, DType a, DType b) {
  if (a == DType::kBool && b == DType::kBool) return DType::kBool;
  const DType x = compute_dtype(a);
  if (x != compute_dtype(b)) return DType::kFloat64;
  return x == DType::kFloat32 && !spec.f32 ? DType::kFloat64 : x;
}

DenseRow row_for(const BinarySpec& spec, DType compute) {
  switch (compute) {
    case DType::kBool:
      return spec.bytes;
    case DType::kFloat32:
      return spec.f32;
    case DType::kFloat64:
      return spec.f64;
    case DType::kUint64:
      return spec.u64;
    default:
      return spec.i64;
  }
}

class BinaryMap {
 public:
  BinaryMap(const BinarySpec& spec, const TensorView& a, const TensorView& b, const TensorView& y)
      : spec_(spec), a_(a), b_(b), y_(y), compute_(common_dtype(spec, a.dtype, b.dtype)) {
    row_ = row_for(spec, compute_);
    result_ = spec.flags & kToBool ? DType::kBool : compute_;
    float_rows_ = spec.float_row && a.dtype == DType::kFloat32 && b.dtype == DType::kFloat32;
  }

  // Elements [begin, end) of the output, both multiples of 4 where the innermost dim is 4. False
  // after a division by zero.
  bool run(const BroadcastPlan& plan, int64_t begin, int64_t end) const {
    BroadcastPlan rows = plan;
    std::array<uint8_t, 2> periods{};
    if (float_rows_ && merge_vectors(rows, periods)) {
      run_periodic(rows, periods, begin, end);
      return true;
    }
    if (plan.rank > 1 && plan.dims[static_cast<size_t>(plan.rank - 1)] < kShortRow) {
      return run_short_rows(plan, begin, end);
    }
    bool valid = true;
    for (RowCursor row(plan, begin, end); row.next();) {
      const Span a = {at(a_, row.operand(0)), row.step(0)};
      const Span b = {at(b_, row.operand(1)), row.step(1)};
      valid &= combine(a, b, row.out, row.count);
    }
    return valid;
  }

 private:
  static uint8_t* at(const TensorView& tensor, int64_t index) {
    return tensor.as<uint8_t>() + index * width_of(tensor);
  }

  // Makes one dim of the last two where the last one has 4 elements, as the channel blocks of
  // NC4HW4, and each operand goes on through them or repeats: all, 4 or 1 of its elements.
  static bool merge_vectors(BroadcastPlan& plan, std::array<uint8_t, 2>& periods) {
    if (plan.rank < 2) return false;
    const auto last = static_cast<size_t>(plan.rank - 1);
    if (plan.dims[last] != 4) return false;
    for (size_t i = 0; i < periods.size(); ++i) {
      auto& steps = plan.steps[i];
      const bool dense = steps[last - 1] == 4 && steps[last] == 1;
      if (!dense && steps[last - 1] != 0) return false;
      periods[i] = dense ? 0 : steps[last] ? 4 : 1;
      steps[last - 1] = dense ? 1 : 0;
    }
    plan.dims[last - 1] *= 4;
    --plan.rank;
    return true;
  }

  void run_periodic(const BroadcastPlan& plan, const std::array<uint8_t, 2>& periods, int64_t begin,
                    int64_t end) const {
    for (RowCursor row(plan, begin, end); row.next();) {
      spec_.float_row({a_.as<const float>() + row.operand(0), periods[0]},
                      {b_.as<const float>() + row.operand(1), periods[1]}, y_.as<float>() + row.out,
                      row.count);
    }
  }

  bool run_short_rows(const BroadcastPlan& plan, int64_t begin, int64_t end) const {
    bool valid = true;
    const bool dense_a = is_dense(plan, 0);
    const bool dense_b = is_dense(plan, 1);
    Block a, b;
    for (int64_t i = begin; i < end; i += kBlock) {
      const int64_t n = std::min(kBlock, end - i);
      if (!dense_a) gather(plan, 0, a_, i, n, a.bytes);
      if (!dense_b) gather(plan, 1, b_, i, n, b.bytes);
      valid &=
          combine({dense_a ? at(a_, i) : a.bytes, 1}, {dense_b ? at(b_, i) : b.bytes, 1}, i, n);
    }
    return valid;
  }

  // Elements [begin, begin + n) of the output as the operand has them.
  static void gather(const BroadcastPlan& plan, int operand, const TensorView& tensor,
                     int64_t begin, int64_t n, uint8_t* to) {
    switch (width_of(tensor)) {
      case 1:
        return gather_elements<1>(plan, operand, tensor, begin, n, to);
      case 2:
        return gather_elements<2>(plan, operand, tensor, begin, n, to);
      case 4:
        return gather_elements<4>(plan, operand, tensor, begin, n, to);
      default:
        return gather_elements<8>(plan, operand, tensor, begin, n, to);
    }
  }

  template <int64_t kWidth>
  static void gather_elements(const BroadcastPlan& plan, int operand, const TensorView& tensor,
                              int64_t begin, int64_t n, uint8_t* to) {
    const auto& steps = plan.steps[static_cast<size_t>(operand)];
    const auto last = static_cast<size_t>(plan.rank - 1);
    std::array<int64_t, kMaxRank> index{};
    const uint8_t* data = tensor.as<const uint8_t>();
    int64_t from = 0;
    for (size_t axis = last + 1; axis-- > 0; begin /= plan.dims[axis]) {
      index[axis] = begin % plan.dims[axis];
      from += index[axis] * steps[axis];
    }
    for (int64_t i = 0; i < n; ++i, to += kWidth) {
      __builtin_memcpy(to, data + from * kWidth, kWidth);
      for (size_t axis = last;; --axis) {
        from += steps[axis];
        if (++index[axis] < plan.dims[axis] || axis == 0) break;
        from -= steps[axis] * plan.dims[axis];
        index[axis] = 0;
      }
    }
  }

  bool combine(Span a, Span b, int64_t out, int64_t n) const {
    if (!float_rows_) return combine_blocks(a, b, out, n);
    const auto floats = [](const void* data) { return static_cast<const float*>(data); };
    spec_.float_row({floats(a.data), a.step == 0}, {floats(b.data), b.step == 0},
                    y_.as<float>() + out, n);
    return true;
  }

  bool combine_blocks(Span a, Span b, int64_t out, int64_t n) const {
    bool valid = true;
    Block block_a, block_b, block_y;
    for (int64_t i = 0; i < n; i += kBlock) {
      const int64_t count = std::min(kBlock, n - i);
      const void* x0 = load(a_, a, i, count, block_a);
      const void* x1 = load(b_, b, i, count, block_b);
      if (spec_.flags & kDivides && compute_ != DType::kFloat64) {
        x1 = without_zeros(x1, count, block_b, valid);
      }
      uint8_t* y = at(y_, out + i);
      if (y_.dtype == result_) {
        row_(x0, x1, y, count);
      } else {
        row_(x0, x1, block_y.bytes, count);
        convert(y_.dtype, y, result_, block_y.bytes, 1, count);
      }
    }
    return valid;
  }

  // Elements [i, i + n) of the span in the type of computation, where they are or in the block. One
  // that repeats fills the block at the first call, which is for the most elements.
  const void* load(const TensorView& tensor, Span span, int64_t i, int64_t n, Block& block) const {
    const uint8_t* data = span.data + i * span.step * width_of(tensor);
    if (span.step == 1 && tensor.dtype == compute_) return data;
    if (span.step == 1 || i == 0) convert(compute_, &block, tensor.dtype, data, span.step, n);
    return &block;
  }

  // 1 stands for every 0.
  static const void* without_zeros(const void* divisors, int64_t n, Block& block, bool& valid) {
    const auto* numbers = static_cast<const int64_t*>(divisors);
    if (std::find(numbers, numbers + n, 0) == numbers + n) return divisors;
    valid = false;
    for (int64_t i = 0; i < n; ++i) block.i64[i] = numbers[i] == 0 ? 1 : numbers[i];
    return &block;
  }

  const BinarySpec& spec_;
  const TensorView &a_, &b_, &y_;
  DType compute_;
  DType result_ = DType::kUndefined;
  DenseRow row_ = nullptr;
  bool float_rows_ = false;
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
  const BinaryMap map(spec, a, b, y);
  std::atomic<bool> valid{true};
  SX_TRY(simd::parallel_for(plan.elements, kGrain, [&](int64_t begin, int64_t end) {
    if (!map.run(plan, begin, end)) valid.store(false, std::memory_order_relaxed);
  }));
  // Padding lanes of NC4HW4 hold anything, zeros included.
  if (!valid.load() && y.layout == Layout::kRowMajor) {
    return error(ErrorCode::VALUE_RANGE, "an integer is divided by zero");
  }
  return {};
}

}  // namespace sardonyx::ops
