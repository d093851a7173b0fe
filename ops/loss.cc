// NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss.
#include <cmath>
#include <limits>

#include "ops/axis_split.h"
#include "ops/dims.h"
#include "ops/element.h"
#include "ops/indices.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

enum class Reduction { kNone, kSum, kMean };

Result<Reduction> loss_reduction(const Attributes& attributes) {
  const std::string_view name = attributes.get_string("reduction", "mean");
  if (name == "none") return Reduction::kNone;
  if (name == "sum") return Reduction::kSum;
  if (name == "mean") return Reduction::kMean;
  return error(ErrorCode::ATTRIBUTE_INVALID, "attribute 'reduction' is '%.*s'",
               static_cast<int>(name.size()), name.data());
}

// log(sum(exp(x))) over the classes at one place.
double log_sum_exp(const TensorView& x, int64_t first, int64_t classes, int64_t stride) {
  double top = -std::numeric_limits<double>::infinity();
  for (int64_t c = 0; c < classes; ++c) top = std::fmax(top, load_double(x, first + c * stride));
  double sum = 0;
  for (int64_t c = 0; c < classes; ++c) sum += std::exp(load_double(x, first + c * stride) - top);
  return top + std::log(sum);
}

// x is [N, C, places…], targets are [N, places…].
struct LossLoop {
  const RunContext& context;
  AxisSplit split;  // around the axis of classes
  bool takes_logarithm;
  Reduction reduction;
  bool has_ignored;
  int64_t ignored;
  double loss_sum = 0, weight_sum = 0;

  Status run() {
    for (int64_t n = 0; n < split.outer; ++n) {
      for (int64_t place = 0; place < split.inner; ++place) SX_TRY(one(n, place));
    }
    if (reduction == Reduction::kNone || !context.has_output(0)) return {};
    store_double(context.outputs[0], 0,
                 reduction == Reduction::kMean ? loss_sum / weight_sum : loss_sum);
    return {};
  }

  Status one(int64_t n, int64_t place) {
    const TensorView& x = context.inputs[0];
    const int64_t first = n * split.dim * split.inner + place;
    const double shift = takes_logarithm ? log_sum_exp(x, first, split.dim, split.inner) : 0;
    for (int64_t c = 0; context.has_output(1) && c < split.dim; ++c) {
      const int64_t at = first + c * split.inner;
      store_double(context.outputs[1], at, load_double(x, at) - shift);
    }
    const int64_t i = n * split.inner + place;
    const int64_t target = index_at(context.inputs[1], i);
    double loss = 0;
    if (!has_ignored || target != ignored) {
      if (target < 0 || target >= split.dim) {
        return error(ErrorCode::INDEX_RANGE, "target %lld is not one of %lld classes",
                     static_cast<long long>(target), static_cast<long long>(split.dim));
      }
      const double weight = context.has_input(2) ? load_double(context.inputs[2], target) : 1;
      loss = (shift - load_double(x, first + target * split.inner)) * weight;
      weight_sum += weight;
    }
    loss_sum += loss;
    if (reduction == Reduction::kNone && context.has_output(0))
      store_double(context.outputs[0], i, loss);
    return {};
  }
};

Status run_loss(const Attributes& attributes, const RunContext& context, bool takes_logarithm) {
  SX_ASSIGN(const Reduction reduction, loss_reduction(attributes));
  return LossLoop{
      context,   split_at(context.inputs[0].shape, 1), takes_logarithm,
      reduction, attributes.has("ignore_index"),       attributes.get_int("ignore_index", 0)}
      .run();
}

Status run_nll_loss(const Attributes& attributes, const RunContext& context) {
  return run_loss(attributes, context, false);
}
Status run_cross_entropy_loss(const Attributes& attributes, const RunContext& context) {
  return run_loss(attributes, context, true);
}

Status check_loss_shapes(const InferContext& context) {
  const ValueFacts& x = context.inputs[0];
  const ValueFacts& targets = context.inputs[1];
  if (!x.has_shape) return {};
  bool fits = x.shape.rank() >= 2;
  if (fits && targets.has_shape) {
    fits = targets.shape.rank() == x.shape.rank() - 1;
    for (int i = 0; fits && i < targets.shape.rank(); ++i) {
      fits = !differ(targets.shape[i], x.shape[i == 0 ? 0 : i + 1]);
    }
  }
  if (fits && context.has_input(2) && context.inputs[2].has_shape) {
    const Shape& weights = context.inputs[2].shape;
    fits = weights.rank() == 1 && !differ(weights[0], x.shape[1]);
  }
  if (fits) return {};
  return error(ErrorCode::SHAPE_MISMATCH,
               "scores of shape %s do not fit the shapes of the targets or weights",
               x.shape.to_string().c_str());
}

Status infer_loss(InferContext& context, size_t max_outputs) {
  SX_TRY(check_arity(context, 2, 3, max_outputs));
  const ValueFacts& x = context.inputs[0];
  SX_TRY(check_dtype(context, 0,
                     {DType::kFloat32, DType::kFloat64, DType::kFloat16, DType::kBfloat16}));
  SX_TRY(check_index_dtype(context, 1));
  SX_TRY(check_same_dtype(context, 0, 2));
  SX_ASSIGN(const Reduction reduction, loss_reduction(context.attributes));
  SX_TRY(check_loss_shapes(context));
  if (context.has_output(1)) context.outputs[1] = {x.dtype, x.has_shape, x.shape, nullptr};
  if (reduction == Reduction::kNone) {
    const ValueFacts& targets = context.inputs[1];
    context.outputs[0] = {x.dtype, targets.has_shape, targets.shape, nullptr};
  } else {
    context.set_output(0, x.dtype, {});
  }
  return {};
}

}  // namespace

Status infer_nll_loss(InferContext& context) {
  return infer_loss(context, 1);
}
Status infer_cross_entropy_loss(InferContext& context) {
  return infer_loss(context, 2);
}
Result<KernelPtr> make_nll_loss(const KernelInit& init) {
  return stateless(init, run_nll_loss);
}
Result<KernelPtr> make_cross_entropy_loss(const KernelInit& init) {
  return stateless(init, run_cross_entropy_loss);
}

}  // namespace sardonyx::ops
