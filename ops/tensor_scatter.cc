// TensorScatter: a cache with the rows of an update written at each batch entry's index.
#include <cstring>

#include "ops/operator.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

bool is_circular(const Attributes& attributes) {
  return attributes.get_string("mode", "linear") == "circular";
}

Result<int> scatter_axis(const Attributes& attributes, const Shape& cache) {
  SX_ASSIGN(const int axis, check_axis(attributes.get_int("axis", -2), cache.rank()));
  if (axis == 0) return error(ErrorCode::ATTRIBUTE_INVALID, "axis is the batch");
  return axis;
}

Status run_tensor_scatter(const Attributes& attributes, const RunContext& context) {
  const TensorView& cache = context.inputs[0];
  const TensorView& update = context.inputs[1];
  const TensorView& y = context.outputs[0];
  SX_ASSIGN(const int axis, scatter_axis(attributes, cache.shape));
  SX_ASSIGN(const size_t bytes, element_bytes(cache.dtype));
  const int64_t length = cache.shape[axis], added = update.shape[axis];
  const size_t row = static_cast<size_t>(cache.shape.product(axis + 1, cache.shape.rank())) * bytes;
  const int64_t per_entry = cache.shape.product(1, axis);
  copy_tensor(y, cache);
  if (added == 0 || row == 0) return {};
  for (int64_t i = 0; i < cache.shape[0] * per_entry; ++i) {
    int64_t first = 0;
    if (context.has_input(2)) first = context.inputs[2].as<const int64_t>()[i / per_entry];
    const bool fits = first >= 0 && (is_circular(attributes) || first <= length - added);
    if (!fits) {
      return error(ErrorCode::INDEX_RANGE, "%lld rows at %lld do not fit a cache of %lld",
                   static_cast<long long>(added), static_cast<long long>(first),
                   static_cast<long long>(length));
    }
    for (int64_t j = 0; j < added; ++j) {
      const int64_t to = (first % length + j) % length;
      std::memcpy(y.as<uint8_t>() + static_cast<size_t>(i * length + to) * row,
                  update.as<const uint8_t>() + static_cast<size_t>(i * added + j) * row, row);
    }
  }
  return {};
}

}  // namespace

Status infer_tensor_scatter(InferContext& context) {
  SX_TRY(check_arity(context, 2, 3));
  SX_TRY(check_movable(context.inputs[0].dtype));
  SX_TRY(check_same_dtype(context, 0, 1));
  SX_TRY(check_dtype(context, 2, {DType::kInt64}));
  const std::string_view mode = context.attributes.get_string("mode", "linear");
  if (mode != "linear" && mode != "circular") {
    return error(ErrorCode::ATTRIBUTE_INVALID, "mode is '%s'", std::string(mode).c_str());
  }
  const ValueFacts& cache = context.inputs[0];
  const ValueFacts& update = context.inputs[1];
  if (cache.has_shape) {
    SX_ASSIGN(const int axis, scatter_axis(context.attributes, cache.shape));
    bool fits = !update.has_shape || update.shape.rank() == cache.shape.rank();
    for (int i = 0; i < cache.shape.rank() && fits && update.has_shape; ++i) {
      const int64_t has = cache.shape[i], adds = update.shape[i];
      fits = has < 0 || adds < 0 || (i == axis ? adds <= has : adds == has);
    }
    if (context.has_input(2) && context.inputs[2].has_shape) {
      const Shape& indices = context.inputs[2].shape;
      fits = fits && indices.rank() == 1 &&
             (indices[0] < 0 || cache.shape[0] < 0 || indices[0] == cache.shape[0]);
    }
    if (!fits) {
      return error(ErrorCode::SHAPE_MISMATCH, "an update or indices do not fit a cache of shape %s",
                   cache.shape.to_string().c_str());
    }
  }
  return same_as_input(context);
}

Result<KernelPtr> make_tensor_scatter(const KernelInit& init) {
  return stateless(init, run_tensor_scatter);
}

}  // namespace sardonyx::ops
