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

  // Offset of slice `i` in its batch, in elements; INDEX_RANGE.
  Result<int64_t> offset(const TensorView& indices, int64_t i) const {
    int64_t out = 0;
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

// Slices that follow each other both in the data and in the index tensor; in elements.
struct SliceRun {
  int64_t data = 0, packed = 0, length = 0;
};

// Calls use(run) for all slices, in order; INDEX_RANGE.
template <typename Use>
Status for_each_run(const Slices& slices, const TensorView& indices, Use&& use) {
  const int64_t in_batch = slices.batches > 0 ? slices.count / slices.batches : 0;
  SliceRun run;
  for (int64_t batch = 0, i = 0; batch < slices.batches; ++batch) {
    for (int64_t end = i + in_batch; i < end; ++i) {
      SX_ASSIGN(int64_t at, slices.offset(indices, i));
      at += batch * slices.batch_stride;
      if (at != run.data + run.length) {
        if (run.length > 0) use(run);
        run = {at, i * slices.elements, 0};
      }
      run.length += slices.elements;
    }
  }
  if (run.length > 0) use(run);
  return {};
}

// GatherND copies slices out of the data, ScatterND into a copy of it. Where indices are constant,
// their runs are found at binding.
class SlicesKernel final : public Kernel {
 public:
  SlicesKernel(const KernelInit& init, bool scatters)
      : attributes_(init.attributes), scatters_(scatters), indices_(init.inputs[1].constant) {}

  Status bind(BindContext& context) const override {
    if (!indices_) return {};
    const Slices slices = slices_in(context.inputs[0].shape, indices_->shape);
    size_t count = 0;
    SX_TRY(for_each_run(slices, indices_->view(), [&](const SliceRun&) { ++count; }));
    auto plan = std::make_unique<Plan>();
    SX_ASSIGN(plan->runs, Block::allocate(count * sizeof(SliceRun)));
    SliceRun* next = plan->runs.as<SliceRun>();
    SX_TRY(for_each_run(slices, indices_->view(), [&](const SliceRun& run) { *next++ = run; }));
    context.plan = std::move(plan);
    return {};
  }

  // One thread: indices may name a slice twice, and the last one wins.
  Status run(const RunContext& context) const override {
    const TensorView& y = context.outputs[0];
    SX_ASSIGN(const Combine mode, combine_mode(attributes_));
    SX_ASSIGN(const size_t width, element_bytes(y.dtype));
    if (scatters_) copy_tensor(y, context.inputs[0]);
    auto* data = scatters_ ? y.as<uint8_t>() : context.inputs[0].as<uint8_t>();
    auto* packed = scatters_ ? context.inputs[2].as<uint8_t>() : y.as<uint8_t>();
    const auto move = [&](const SliceRun& run) {
      uint8_t* in_data = data + static_cast<size_t>(run.data) * width;
      uint8_t* in_packed = packed + static_cast<size_t>(run.packed) * width;
      if (scatters_) return combine(mode, y.dtype, in_data, in_packed, run.length);
      copy_bytes(in_packed, in_data, static_cast<size_t>(run.length) * width);
    };
    if (const auto* plan = static_cast<const Plan*>(context.plan)) {
      for (const SliceRun& run : plan->all()) move(run);
      return {};
    }
    const TensorView& indices = context.inputs[1];
    return for_each_run(slices_in(context.inputs[0].shape, indices.shape), indices, move);
  }
  std::string_view name() const override { return scatters_ ? "scatter_nd" : "gather_nd"; }

 private:
  struct Plan final : StepPlan {
    Block runs;
    std::span<const SliceRun> all() const {
      return {runs.as<const SliceRun>(), runs.size() / sizeof(SliceRun)};
    }
  };

  Slices slices_in(const Shape& data, const Shape& indices) const {
    const auto batch_dims = scatters_ ? 0 : attributes_.get_int("batch_dims", 0);
    return slices_of(data, indices, static_cast<int>(batch_dims));
  }

  const Attributes& attributes_;
  bool scatters_;
  ConstantPtr indices_;
};

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
  return KernelPtr(std::make_unique<SlicesKernel>(init, false));
}
Result<KernelPtr> make_scatter_nd(const KernelInit& init) {
  return KernelPtr(std::make_unique<SlicesKernel>(init, true));
}

}  // namespace sardonyx::ops
