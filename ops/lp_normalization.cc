// LpNormalization: divided by the sum of magnitudes or the Euclidean norm along an axis.
#include <cmath>

#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/widened.h"
#include "simd/parallel.h"

namespace sardonyx::ops {
namespace {

constexpr double kNsPerElement = 2.0;

Status run_lp_normalization(const Attributes& attributes, const RunContext& context) {
  const TensorView &x = context.inputs[0], &y = context.outputs[0];
  if (y.elements() == 0) return {};
  SX_ASSIGN(const int axis, check_axis(attributes.get_int("axis", -1), x.shape.rank()));
  const bool squares = attributes.get_int("p", 2) == 2;
  const int64_t dim = x.shape[axis], inner = x.shape.product(axis + 1, x.shape.rank());
  const auto grain = simd::grain_for(kNsPerElement * static_cast<double>(dim));
  return simd::parallel_for(x.elements() / dim, grain, [&](int64_t begin, int64_t end) {
    for (int64_t line = begin; line < end; ++line) {
      const int64_t first = line / inner * dim * inner + line % inner;
      const float* from = x.as<const float>() + first;
      float* to = y.as<float>() + first;
      double sum = 0;
      for (int64_t i = 0; i < dim; ++i) {
        const double value = double{from[i * inner]};
        sum += squares ? value * value : std::fabs(value);
      }
      const auto norm = static_cast<float>(squares ? std::sqrt(sum) : sum);
      // A line of zeros stays one.
      for (int64_t i = 0; i < dim; ++i) to[i * inner] = norm == 0 ? 0 : from[i * inner] / norm;
    }
  });
}

Result<KernelPtr> make_floats(const KernelInit& init) {
  return stateless(init, run_lp_normalization);
}

}  // namespace

Status infer_lp_normalization(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  SX_TRY(check_float(context, 0));
  const int64_t p = context.attributes.get_int("p", 2);
  if (p != 1 && p != 2) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "p is %lld, not 1 or 2", static_cast<long long>(p));
  }
  if (context.inputs[0].has_shape) {
    SX_TRY(check_axis(context.attributes.get_int("axis", -1), context.inputs[0].shape.rank())
               .take_status());
  }
  return same_as_input(context);
}

Result<KernelPtr> make_lp_normalization(const KernelInit& init) {
  return widened(init, make_floats);
}

}  // namespace sardonyx::ops
