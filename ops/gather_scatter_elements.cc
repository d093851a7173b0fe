// GatherElements, ScatterElements and Scatter: single elements whose place along one axis an index
// tensor gives; their other coordinates are those of the index.
#include <cstring>

#include "ops/combine.h"
#include "ops/indices.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/strided.h"
#include "simd/parallel.h"

namespace sardonyx::ops {
namespace {

constexpr double kNsPerElement = 2;

// Rows of the index tensor against the data.
class ElementRows {
 public:
  ElementRows(const TensorView& indices, const Shape& data, int axis)
      : indices_(indices), dim_(data[axis]), axis_(axis), strides_(dense_strides(data)) {
    const int rank = data.rank();
    length_ = indices.shape[rank - 1];
    last_is_axis_ = axis == rank - 1;
    axis_stride_ = strides_[static_cast<size_t>(axis)];
  }

  int64_t count() const { return indices_.shape.product(0, indices_.shape.rank() - 1); }
  int64_t length() const { return length_; }

  // Calls use(flat index, offset in the data) for each element of a row.
  template <typename Use>
  void for_row(int64_t row, Use&& use) const {
    int64_t rest = row, base = 0;
    for (int axis = indices_.shape.rank() - 2; axis >= 0; --axis) {
      const int64_t dim = indices_.shape[axis];
      if (axis != axis_) base += rest % dim * strides_[static_cast<size_t>(axis)];
      rest /= dim;
    }
    for (int64_t i = 0, at = row * length_; i < length_; ++i, ++at) {
      use(at, base + index_in(indices_, at, dim_) * axis_stride_ + (last_is_axis_ ? 0 : i));
    }
  }

 private:
  const TensorView& indices_;
  int64_t dim_, length_, axis_stride_;
  int axis_;
  bool last_is_axis_;
  std::array<int64_t, kMaxRank> strides_;
};

Status run_gather_elements(const Attributes& attributes, const RunContext& context) {
  const TensorView& x = context.inputs[0];
  const TensorView& y = context.outputs[0];
  if (y.elements() == 0) return {};
  SX_ASSIGN(const int axis, check_axis(attributes.get_int("axis", 0), x.shape.rank()));
  SX_TRY(check_indices(context.inputs[1], x.shape[axis]));
  SX_ASSIGN(const size_t width, element_bytes(x.dtype));
  const ElementRows rows(context.inputs[1], x.shape, axis);
  const int64_t grain = simd::grain_for(kNsPerElement * static_cast<double>(rows.length()));
  return simd::parallel_for(rows.count(), grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      rows.for_row(row, [&](int64_t at, int64_t from) {
        std::memcpy(y.as<uint8_t>() + static_cast<size_t>(at) * width,
                    x.as<const uint8_t>() + static_cast<size_t>(from) * width, width);
      });
    }
  });
}

// One thread: indices may name a place twice, and the last one wins.
Status run_scatter_elements(const Attributes& attributes, const RunContext& context) {
  const TensorView& y = context.outputs[0];
  const TensorView& indices = context.inputs[1];
  const TensorView& updates = context.inputs[2];
  SX_ASSIGN(const Combine mode, combine_mode(attributes));
  SX_ASSIGN(const int axis, check_axis(attributes.get_int("axis", 0), y.shape.rank()));
  SX_TRY(check_indices(indices, y.shape[axis]));
  SX_ASSIGN(const size_t width, element_bytes(y.dtype));
  copy_tensor(y, context.inputs[0]);
  if (indices.elements() == 0) return {};
  const ElementRows rows(indices, y.shape, axis);
  for (int64_t row = 0; row < rows.count(); ++row) {
    rows.for_row(row, [&](int64_t at, int64_t to) {
      combine(mode, y.dtype, y.as<uint8_t>() + static_cast<size_t>(to) * width,
              updates.as<const uint8_t>() + static_cast<size_t>(at) * width, 1);
    });
  }
  return {};
}

// The axis, and dims of the index tensor that are no larger than those of the data.
Status check_index_shape(const InferContext& context) {
  const ValueFacts& x = context.inputs[0];
  const ValueFacts& indices = context.inputs[1];
  SX_TRY(check_index_dtype(context, 1));
  if (!x.has_shape) return {};
  SX_ASSIGN(const int axis, check_axis(context.attributes.get_int("axis", 0), x.shape.rank()));
  if (!indices.has_shape) return {};
  bool fits = x.shape.rank() == indices.shape.rank();
  for (int i = 0; fits && i < x.shape.rank(); ++i) {
    fits = i == axis || x.shape[i] < 0 || indices.shape[i] <= x.shape[i];
  }
  if (fits) return {};
  return error(ErrorCode::SHAPE_MISMATCH, "indices of shape %s for data of shape %s",
               indices.shape.to_string().c_str(), x.shape.to_string().c_str());
}

}  // namespace

Status infer_gather_elements(InferContext& context) {
  SX_TRY(check_arity(context, 2, 2));
  SX_TRY(check_movable(context.inputs[0].dtype));
  SX_TRY(check_index_shape(context));
  const ValueFacts& indices = context.inputs[1];
  context.outputs[0] = {context.inputs[0].dtype, indices.has_shape, indices.shape, nullptr};
  return {};
}

Status infer_scatter_elements(InferContext& context) {
  SX_TRY(check_arity(context, 3, 3));
  SX_ASSIGN(const Combine mode, combine_mode(context.attributes));
  SX_TRY(check_combine(mode, context.inputs[0].dtype));
  SX_TRY(check_same_dtype(context, 0, 2));
  SX_TRY(check_index_shape(context));
  const ValueFacts& indices = context.inputs[1];
  const ValueFacts& updates = context.inputs[2];
  if (indices.is_static() && updates.is_static() && !(indices.shape == updates.shape)) {
    return error(ErrorCode::SHAPE_MISMATCH, "indices of shape %s for updates of shape %s",
                 indices.shape.to_string().c_str(), updates.shape.to_string().c_str());
  }
  return same_as_input(context);
}

Result<KernelPtr> make_gather_elements(const KernelInit& init) {
  return stateless(init, run_gather_elements);
}
Result<KernelPtr> make_scatter_elements(const KernelInit& init) {
  return stateless(init, run_scatter_elements);
}

}  // namespace sardonyx::ops
