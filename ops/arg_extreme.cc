// ArgMax, ArgMin and Hardmax: the place of the extreme element along an axis.
#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "ops/axis_split.h"
#include "ops/convert.h"
#include "ops/element.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/sort_key.h"
#include "simd/parallel.h"

namespace sardonyx::ops {
namespace {

constexpr int64_t kBlock = 128;      // columns or elements that are looked at together
constexpr double kNsPerElement = 3;  // measured: conversion to a key and comparison
constexpr int kFlattens = 13;        // Hardmax works on a matrix before this opset

struct Search {
  uint64_t flip = 0;  // ~0: the smallest element is wanted
  bool last = false;  // of equal ones

  bool better(uint64_t key, uint64_t best) const { return key > best || (last && key == best); }
};

// inner == 1: the elements lie side by side.
int64_t find_in_row(const TensorView& x, int64_t row, int64_t dim, const Search& search) {
  uint64_t keys[kBlock];
  uint64_t best = 0;
  int64_t place = -1;
  for (int64_t done = 0; done < dim; done += kBlock) {
    const int64_t count = std::min(kBlock, dim - done);
    sort_keys(x.dtype, element_address(x, row * dim + done), count, keys);
    for (int64_t i = 0; i < count; ++i) {
      const uint64_t key = keys[i] ^ search.flip;
      if (place >= 0 && !search.better(key, best)) continue;
      best = key;
      place = done + i;
    }
  }
  return place;
}

// Up to kBlock columns at once.
void find_in_columns(const TensorView& x, const AxisSplit& split, int64_t first, int64_t columns,
                     const Search& search, int64_t* places) {
  uint64_t keys[kBlock], best[kBlock];
  for (int64_t k = 0; k < split.dim; ++k) {
    sort_keys(x.dtype, element_address(x, first + k * split.inner), columns, keys);
    for (int64_t i = 0; i < columns; ++i) {
      const uint64_t key = keys[i] ^ search.flip;
      if (k > 0 && !search.better(key, best[i])) continue;
      best[i] = key;
      places[i] = k;
    }
  }
}

// Calls use(outer, first column, columns, places) for all results, in parallel.
template <typename Use>
Status for_extremes(const TensorView& x, const AxisSplit& split, const Search& search, Use&& use) {
  const int64_t blocks = ceil_div(split.inner, kBlock);
  const double cost =
      kNsPerElement * static_cast<double>(split.dim * std::min(split.inner, kBlock));
  return simd::parallel_for(
      split.outer * blocks, simd::grain_for(cost), [&](int64_t begin, int64_t end) {
        int64_t places[kBlock];
        for (int64_t item = begin; item < end; ++item) {
          const int64_t outer = item / blocks;
          const int64_t column = item % blocks * kBlock;
          const int64_t columns = std::min(kBlock, split.inner - column);
          if (split.inner == 1) {
            places[0] = find_in_row(x, outer, split.dim, search);
          } else {
            find_in_columns(x, split, outer * split.dim * split.inner + column, columns, search,
                            places);
          }
          use(outer, column, columns, places);
        }
      });
}

Status run_arg(const Attributes& attributes, const RunContext& context, uint64_t flip) {
  const TensorView& x = context.inputs[0];
  auto* y = context.outputs[0].as<int64_t>();
  SX_ASSIGN(const int axis, check_axis(attributes.get_int("axis", 0), x.shape.rank()));
  const AxisSplit split = split_at(x.shape, axis);
  const Search search{flip, attributes.get_int("select_last_index", 0) != 0};
  return for_extremes(x, split, search,
                      [&](int64_t outer, int64_t column, int64_t columns, const int64_t* places) {
                        std::copy_n(places, columns, y + outer * split.inner + column);
                      });
}

Status run_arg_max(const Attributes& attributes, const RunContext& context) {
  return run_arg(attributes, context, 0);
}
Status run_arg_min(const Attributes& attributes, const RunContext& context) {
  return run_arg(attributes, context, UINT64_MAX);
}

class HardmaxKernel final : public Kernel {
 public:
  explicit HardmaxKernel(const KernelInit& init)
      : attributes_(init.attributes), flattens_(init.opset < kFlattens) {}

  Status run(const RunContext& context) const override {
    const TensorView& x = context.inputs[0];
    const TensorView& y = context.outputs[0];
    if (y.elements() == 0) return {};
    SX_ASSIGN(const int axis,
              check_axis(attributes_.get_int("axis", flattens_ ? 1 : -1), x.shape.rank()));
    AxisSplit split = split_at(x.shape, axis);
    if (flattens_) split = {split.outer, split.dim * split.inner, 1};
    std::memset(y.data, 0, y.bytes());
    return for_extremes(
        x, split, {}, [&](int64_t outer, int64_t column, int64_t columns, const int64_t* places) {
          for (int64_t i = 0; i < columns; ++i) {
            const int64_t at = (outer * split.dim + places[i]) * split.inner + column + i;
            store_double(y, at, 1);
          }
        });
  }
  std::string_view name() const override { return "hardmax"; }

 private:
  const Attributes& attributes_;
  bool flattens_;
};

Status infer_arg(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  const ValueFacts& x = context.inputs[0];
  if (compute_dtype(x.dtype) == DType::kUndefined) return unsupported_dtype(x.dtype);
  context.set_output_unknown(0, DType::kInt64);
  if (!x.has_shape) return {};
  SX_ASSIGN(const int axis, check_axis(context.attributes.get_int("axis", 0), x.shape.rank()));
  const bool keepdims = context.attributes.get_int("keepdims", 1) != 0;
  Shape out;
  for (int i = 0; i < x.shape.rank(); ++i) {
    if (i != axis) out.push_back(x.shape[i]);
    if (i == axis && keepdims) out.push_back(1);
  }
  if (x.shape[axis] == 0 && out.elements() != 0) {
    return error(ErrorCode::SHAPE_MISMATCH, "axis %d of shape %s is empty", axis,
                 x.shape.to_string().c_str());
  }
  context.set_output(0, DType::kInt64, out);
  return {};
}

}  // namespace

Status infer_arg_max(InferContext& context) {
  return infer_arg(context);
}
Status infer_arg_min(InferContext& context) {
  return infer_arg(context);
}

Status infer_hardmax(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  const ValueFacts& x = context.inputs[0];
  SX_TRY(check_dtype(context, 0,
                     {DType::kFloat32, DType::kFloat64, DType::kFloat16, DType::kBfloat16}));
  if (x.has_shape) {
    const int64_t axis = context.attributes.get_int("axis", context.opset < kFlattens ? 1 : -1);
    SX_TRY(check_axis(axis, x.shape.rank()).take_status());
  }
  return same_as_input(context);
}

Result<KernelPtr> make_arg_max(const KernelInit& init) {
  return stateless(init, run_arg_max);
}
Result<KernelPtr> make_arg_min(const KernelInit& init) {
  return stateless(init, run_arg_min);
}
Result<KernelPtr> make_hardmax(const KernelInit& init) {
  return KernelPtr(std::make_unique<HardmaxKernel>(init));
}

}  // namespace sardonyx::ops
