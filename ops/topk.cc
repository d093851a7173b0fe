// TopK: k as an attribute until opset 9, as an input since 10.
#include <algorithm>
#include <cstring>
#include <memory>

#include "ops/axis_split.h"
#include "ops/convert.h"
#include "ops/indices.h"
#include "ops/operator.h"
#include "ops/scratch.h"
#include "ops/shape_rule.h"
#include "ops/sort_key.h"
#include "simd/parallel.h"

namespace sardonyx::ops {
namespace {

constexpr int kCountIsInput = 10;
constexpr int64_t kBlock = 128;
constexpr double kNsPerElement = 10;

struct Selection {
  const TensorView& x;
  AxisSplit split;
  int64_t k;
  uint64_t flip;  // ~0: the largest come first
  const RunContext& context;
};

void collect_row(const Selection& s, int64_t first, KeyedIndex* items) {
  const int64_t width = dtype_bits(s.x.dtype) / 8;
  const auto* from = s.x.as<const uint8_t>() + first * width;
  uint64_t keys[kBlock];
  const int64_t step = s.split.inner == 1 ? kBlock : 1;
  for (int64_t done = 0; done < s.split.dim; done += step) {
    const int64_t count = std::min(step, s.split.dim - done);
    sort_keys(s.x.dtype, from + done * s.split.inner * width, count, keys);
    for (int64_t i = 0; i < count; ++i) items[done + i] = {keys[i] ^ s.flip, done + i};
  }
}

void select_row(const Selection& s, int64_t row, KeyedIndex* items) {
  const int64_t width = dtype_bits(s.x.dtype) / 8;
  const int64_t outer = row / s.split.inner, inner = row % s.split.inner;
  const int64_t first = outer * s.split.dim * s.split.inner + inner;
  collect_row(s, first, items);
  select_keyed(items, s.split.dim, s.k);
  for (int64_t i = 0; i < s.k; ++i) {
    const int64_t to = (outer * s.k + i) * s.split.inner + inner;
    const int64_t from = first + items[i].index * s.split.inner;
    if (s.context.has_output(0)) {
      std::memcpy(s.context.outputs[0].as<uint8_t>() + to * width,
                  s.x.as<const uint8_t>() + from * width, static_cast<size_t>(width));
    }
    if (s.context.has_output(1)) s.context.outputs[1].as<int64_t>()[to] = items[i].index;
  }
}

// Threads may have joined since the scratch memory was sized.
struct TopKPlan final : StepPlan {
  int threads = 1;
};

class TopKKernel final : public Kernel {
 public:
  explicit TopKKernel(const KernelInit& init)
      : attributes_(init.attributes), count_is_input_(init.opset >= kCountIsInput) {}

  Status bind(BindContext& context) const override {
    const Shape& shape = context.inputs[0].shape;
    SX_ASSIGN(const int axis, check_axis(attributes_.get_int("axis", -1), shape.rank()));
    auto plan = std::make_unique<TopKPlan>();
    plan->threads = simd::threads_wanted();
    ScratchLayout layout;
    SX_TRY(layout.add(checked_mul<int64_t>(shape[axis], plan->threads), sizeof(KeyedIndex))
               .take_status());
    context.scratch_bytes = layout.bytes();
    context.plan = std::move(plan);
    return {};
  }

  Status run(const RunContext& context) const override {
    const TensorView& x = context.inputs[0];
    SX_ASSIGN(const int axis, check_axis(attributes_.get_int("axis", -1), x.shape.rank()));
    int64_t k = attributes_.get_int("k", 0);
    if (count_is_input_) {
      SX_ASSIGN(k, int_scalar(context.inputs[1]));
    }
    for (const TensorView& y : context.outputs) {
      if (!y.present() || y.shape[axis] == k) continue;
      return error(ErrorCode::INTERNAL, "k has changed since the shape was computed");
    }
    const bool largest = attributes_.get_int("largest", 1) != 0;
    const Selection selection{x, split_at(x.shape, axis), k, largest ? UINT64_MAX : 0, context};
    auto* items = static_cast<KeyedIndex*>(static_cast<void*>(context.scratch));
    const int64_t dim = selection.split.dim;
    if (k == 0) return {};
    return simd::parallel_for(selection.split.outer * selection.split.inner,
                              simd::grain_for(kNsPerElement * static_cast<double>(dim)),
                              static_cast<const TopKPlan*>(context.plan)->threads,
                              [&](int64_t begin, int64_t end, int thread) {
                                for (int64_t row = begin; row < end; ++row) {
                                  select_row(selection, row, items + dim * thread);
                                }
                              });
  }
  std::string_view name() const override { return "topk"; }

 private:
  const Attributes& attributes_;
  bool count_is_input_;
};

// Nullopt while it is not known.
Result<std::optional<int64_t>> known_count(const InferContext& context) {
  if (context.opset < kCountIsInput) {
    SX_ASSIGN(const int64_t k, context.attributes.require_int("k"));
    return std::optional<int64_t>(k);
  }
  SX_TRY(check_index_dtype(context, 1));
  if (!context.inputs[1].value) return std::optional<int64_t>();
  SX_ASSIGN(const int64_t k, int_scalar(*context.inputs[1].value));
  return std::optional<int64_t>(k);
}

}  // namespace

Status infer_topk(InferContext& context) {
  const size_t inputs = context.opset >= kCountIsInput ? 2 : 1;
  SX_TRY(check_arity(context, inputs, inputs, 2));
  const ValueFacts& x = context.inputs[0];
  if (compute_dtype(x.dtype) == DType::kUndefined) return unsupported_dtype(x.dtype);
  SX_ASSIGN(const std::optional<int64_t> k, known_count(context));
  const DType dtypes[] = {x.dtype, DType::kInt64};
  for (size_t i = 0; i < context.outputs.size(); ++i) context.set_output_unknown(i, dtypes[i]);
  if (!x.has_shape) return {};
  SX_ASSIGN(const int axis, check_axis(context.attributes.get_int("axis", -1), x.shape.rank()));
  Shape out = x.shape;
  if (k && (*k < 0 || (out[axis] >= 0 && *k > out[axis]))) {
    return error(ErrorCode::VALUE_RANGE, "the first %lld of an axis of %lld",
                 static_cast<long long>(*k), static_cast<long long>(out[axis]));
  }
  out[axis] = k ? *k : kUnknownDim;
  for (size_t i = 0; i < context.outputs.size(); ++i) context.set_output(i, dtypes[i], out);
  return {};
}

Result<KernelPtr> make_topk(const KernelInit& init) {
  return KernelPtr(std::make_unique<TopKKernel>(init));
}

}  // namespace sardonyx::ops
