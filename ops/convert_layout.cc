// sardonyx.ConvertLayout: one tensor from one layout into the other, for the lowering.
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "simd/layout.h"

namespace sardonyx::ops {
namespace {

class ConvertLayoutKernel final : public Kernel {
 public:
  Status bind(BindContext& context) const override {
    const Shape& shape = context.inputs[0].shape;
    if (context.inputs[0].layout == context.outputs[0].layout || shape.rank() >= 2) return {};
    return error(ErrorCode::INTERNAL, "a tensor of shape %s has no channels",
                 shape.to_string().c_str());
  }
  Status run(const RunContext& context) const override {
    const TensorView& from = context.inputs[0];
    const TensorView& to = context.outputs[0];
    if (from.layout == to.layout) {
      copy_tensor(to, from);
      return {};
    }
    SX_ASSIGN(const size_t bytes, element_bytes(from.dtype));
    const auto convert = to.layout == Layout::kNC4HW4 ? simd::to_nc4hw4 : simd::to_row_major;
    return convert(from.data, from.shape[0], from.shape[1],
                   from.shape.product(2, from.shape.rank()), bytes, to.data);
  }
  std::string_view name() const override { return "convert_layout"; }
};

}  // namespace

Status infer_convert_layout(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  SX_ASSIGN(const int64_t to, context.attributes.require_int("to"));
  if (to != 0 && to != 1) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "layout %lld is not known",
                 static_cast<long long>(to));
  }
  return same_as_input(context);
}

Result<KernelPtr> make_convert_layout(const KernelInit&) {
  return KernelPtr(std::make_unique<ConvertLayoutKernel>());
}
bool takes_nc4hw4_convert_layout(const KernelInit& init) {
  const KernelInput& x = init.inputs[0];
  return x.has_shape && x.shape.rank() == 4 && dtype_bits(x.dtype) >= 8;
}

}  // namespace sardonyx::ops
