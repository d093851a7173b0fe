// Softmax and LogSoftmax over one axis; before opset 13 over all axes from `axis` on.
#include "simd/softmax.h"

#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/widened.h"

namespace sardonyx::ops {
namespace {

Status infer(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  SX_TRY(check_float(context, 0));
  const ValueFacts& input = context.inputs[0];
  if (input.has_shape) {
    const int64_t axis = context.attributes.get_int("axis", context.opset < 13 ? 1 : -1);
    // The coerced form may flatten everything, and takes scalars and vectors with the default axis.
    const bool flat = context.opset < 13 && axis >= 0 && axis <= std::max(input.shape.rank(), 1);
    if (!flat) SX_TRY(check_axis(axis, std::max(input.shape.rank(), 1)).take_status());
  }
  return same_as_input(context);
}

class SoftmaxKernel final : public Kernel {
 public:
  SoftmaxKernel(simd::SoftmaxKind kind, int64_t axis, bool coerced)
      : kind_(kind), axis_(axis), coerced_(coerced) {}

  Status run(const RunContext& context) const override {
    const TensorView& x = context.inputs[0];
    const int rank = x.shape.rank();
    const int axis = static_cast<int>(axis_ < 0 ? axis_ + std::max(rank, 1) : axis_);
    const int end = coerced_ ? rank : std::min(axis + 1, rank);
    const int begin = std::min(axis, rank);
    return simd::softmax(kind_, x.as<const float>(), context.outputs[0].as<float>(),
                         x.shape.product(0, begin), x.shape.product(begin, end),
                         x.shape.product(end, rank));
  }
  std::string_view name() const override { return "softmax"; }

 private:
  simd::SoftmaxKind kind_;
  int64_t axis_;
  bool coerced_;
};

template <simd::SoftmaxKind kKind>
Result<KernelPtr> make(const KernelInit& init) {
  const bool coerced = init.opset < 13;
  return KernelPtr(std::make_unique<SoftmaxKernel>(
      kKind, init.attributes.get_int("axis", coerced ? 1 : -1), coerced));
}

}  // namespace

Status infer_softmax(InferContext& context) {
  return infer(context);
}
Status infer_log_softmax(InferContext& context) {
  return infer(context);
}
Result<KernelPtr> make_softmax(const KernelInit& init) {
  return widened(init, make<simd::SoftmaxKind::kSoftmax>);
}
Result<KernelPtr> make_log_softmax(const KernelInit& init) {
  return widened(init, make<simd::SoftmaxKind::kLogSoftmax>);
}

}  // namespace sardonyx::ops
