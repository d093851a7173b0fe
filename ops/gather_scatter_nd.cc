// GatherND and ScatterND: slices of the data whose leading coordinates the last axis of an index
// tensor gives.
#include <algorithm>

#include "ops/combine.h"
#include "ops/dims.h"
#include "ops/indices.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/strided.h"

namespace sardonyx::ops {
namespace {

// Where the slices of an index tensor [batch…, tuples…, depth] lie in the data.
struct Slices {
  int64_t count = 0;    // tuples of all batches
  int64_t batches = 1;  // of the data and of the indices
  int64_t batch_stride = 0;
  int64_t elements = 0;  // per slice
  int depth = 0;
  std::array<int64_t, kMaxRank> dims{}, strides{};  // that a tuple indexes

  // Offset of slice `i` in elements; INDEX_RANGE.
  Result<int64_t> offset(const TensorView& indices, int64_t i) const {
    int64_t out = i / (count / batches) * batch_stride;
    for (size_t k = 0; k < static_cast<size_t>(depth); ++k) {
      int64_t index = index_at(indices, i * depth + static_cast<int64_t>(k));
      if (index < -dims[k] || index >= dims[k]) {
        return error(ErrorCode::INDEX_RANGE, "index %lld is out of range for a dim of %lld",
                     static_cast<long long>(index), static_cast<long long>(dims[k]));
      }
      if (index < 0) index += dims[k];
      out += index * strides[k];
    }
    return out;
  }
};

Slices slices_of(const Shape& data, const Shape& indices, int batch_dims) {
  Slices out;
  const auto strides = dense_strides(data);
  const int last = indices.rank() - 1;
  out.depth = static_cast<int>(indices[last]);
  out.count = indices.product(0, last);
  out.batches = data.product(0, batch_dims);
  out.batch_stride = data.product(batch_dims, data.rank());
  out.elements = data.product(batch_dims + out.depth, data.rank());
  for (int k = 0; k < out.depth; ++k) {
    const auto i = static_cast<size_t>(k);
    out.dims[i] = data[batch_dims + k];
    out.strides[i] = strides[static_cast<size_t>(batch_dims + k)];
  }
  return out;
}

Status run_gather_nd(const Attributes& attributes, const RunContext& context) {
  const TensorView& x = context.inputs[0];
  const TensorView& indices = context.inputs[1];
  const TensorView& y = context.outputs[0];
  const auto batch_dims = static_cast<int>(attributes.get_int("batch_dims", 0));
  SX_ASSIGN(const size_t width, element_bytes(x.dtype));
  const Slices slices = slices_of(x.shape, indices.shape, batch_dims);
  const size_t bytes = static_cast<size_t>(slices.elements) * width;
  for (int64_t i = 0; i < slices.count; ++i) {
    SX_ASSIGN(const int64_t from, slices.offset(indices, i));
    copy_bytes(y.as<uint8_t>() + static_cast<size_t>(i) * bytes,
               x.as<const uint8_t>() + static_cast<size_t>(from) * width, bytes);
  }
  return {};
}

// One thread: indices may name a slice twice, and the last one wins.
Status run_scatter_nd(const Attributes& attributes, const RunContext& context) {
  const TensorView& indices = context.inputs[1];
  const TensorView& updates = context.inputs[2];
  const TensorView& y = context.outputs[0];
  SX_ASSIGN(const Combine mode, combine_mode(attributes));
  SX_ASSIGN(const size_t width, element_bytes(y.dtype));
  copy_tensor(y, context.inputs[0]);
  const Slices slices = slices_of(y.shape, indices.shape, 0);
  const size_t bytes = static_cast<size_t>(slices.elements) * width;
  for (int64_t i = 0; i < slices.count; ++i) {
    SX_ASSIGN(const int64_t to, slices.offset(indices, i));
    combine(mode, y.dtype, y.as<uint8_t>() + static_cast<size_t>(to) * width,
            updates.as<const uint8_t>() + static_cast<size_t>(i) * bytes, slices.elements);
  }
  return {};
}

Status tuples_do_not_fit(const Shape& data, const Shape& indices) {
  return error(ErrorCode::SHAPE_MISMATCH, "indices of shape %s for data of shape %s",
               indices.to_string().c_str(), data.to_string().c_str());
}

// [tuples…, slice…]; nullopt while unknown.
Result<std::optional<Shape>> sliced_shape(const Shape& data, const Shape& indices,
                                          int64_t batch_dims) {
  const int last = indices.rank() - 1;
  if (last < 0) return tuples_do_not_fit(data, indices);
  if (batch_dims < 0 || batch_dims > last || batch_dims > data.rank()) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "attribute 'batch_dims' is %lld",
                 static_cast<long long>(batch_dims));
  }
  const int64_t depth = indices[last];
  if (depth == 0 || depth > data.rank() - batch_dims) return tuples_do_not_fit(data, indices);
  if (depth < 0) return std::optional<Shape>();
  Shape out;
  for (int i = 0; i < last; ++i) {
    if (i < batch_dims && differ(data[i], indices[i])) return tuples_do_not_fit(data, indices);
    out.push_back(indices[i]);
  }
  for (int i = static_cast<int>(batch_dims + depth); i < data.rank(); ++i) {
    if (!out.push_back(data[i])) {
      return error(ErrorCode::LIMIT_EXCEEDED, "the slices have more than %d dims", kMaxRank);
    }
  }
  return std::optional<Shape>(out);
}

}  // namespace

Status infer_gather_nd(InferContext& context) {
  SX_TRY(check_arity(context, 2, 2));
  const ValueFacts& x = context.inputs[0];
  const ValueFacts& indices = context.inputs[1];
  SX_TRY(check_movable(x.dtype));
  SX_TRY(check_index_dtype(context, 1));
  context.set_output_unknown(0, x.dtype);
  if (!x.has_shape || !indices.has_shape) return {};
  SX_ASSIGN(const std::optional<Shape> out,
            sliced_shape(x.shape, indices.shape, context.attributes.get_int("batch_dims", 0)));
  if (out) context.set_output(0, x.dtype, *out);
  return {};
}

Status infer_scatter_nd(InferContext& context) {
  SX_TRY(check_arity(context, 3, 3));
  const ValueFacts& x = context.inputs[0];
  const ValueFacts& indices = context.inputs[1];
  const ValueFacts& updates = context.inputs[2];
  SX_ASSIGN(const Combine mode, combine_mode(context.attributes));
  SX_TRY(check_combine(mode, x.dtype));
  SX_TRY(check_index_dtype(context, 1));
  SX_TRY(check_same_dtype(context, 0, 2));
  if (x.has_shape && indices.has_shape) {
    SX_ASSIGN(const std::optional<Shape> slices, sliced_shape(x.shape, indices.shape, 0));
    bool fits = !slices || !updates.has_shape || slices->rank() == updates.shape.rank();
    for (int i = 0; fits && slices && updates.has_shape && i < slices->rank(); ++i) {
      fits = !differ((*slices)[i], updates.shape[i]);
    }
    if (!fits) {
      return error(ErrorCode::SHAPE_MISMATCH, "updates of shape %s: %s is wanted",
                   updates.shape.to_string().c_str(), slices->to_string().c_str());
    }
  }
  return same_as_input(context);
}

Result<KernelPtr> make_gather_nd(const KernelInit& init) {
  return stateless(init, run_gather_nd);
}
Result<KernelPtr> make_scatter_nd(const KernelInit& init) {
  return stateless(init, run_scatter_nd);
}

}  // namespace sardonyx::ops
