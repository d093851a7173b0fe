// Transpose.
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/strided.h"

namespace sardonyx::ops {
namespace {

// The permutation for a rank: the attribute, or reversal. ATTRIBUTE_INVALID.
Result<IntList> permutation(const Attributes& attributes, int rank) {
  IntList out;
  if (!attributes.has("perm")) {
    for (int axis = rank - 1; axis >= 0; --axis) out.push_back(axis);
    return out;
  }
  SX_ASSIGN(out, int_list(attributes.get_ints("perm")));
  SX_TRY(axis_mask(out, rank, ErrorCode::ATTRIBUTE_INVALID).take_status());
  if (out.size() != rank) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "attribute 'perm' has %d axes, the input %d",
                 out.size(), rank);
  }
  for (int64_t axis : out) {
    if (axis >= 0) continue;
    return error(ErrorCode::ATTRIBUTE_INVALID, "attribute 'perm' has axis %lld",
                 static_cast<long long>(axis));
  }
  return out;
}

class TransposeKernel final : public Kernel {
 public:
  explicit TransposeKernel(const Attributes& attributes) : attributes_(attributes) {}

  Status run(const RunContext& context) const override {
    const TensorView& x = context.inputs[0];
    const TensorView& y = context.outputs[0];
    SX_ASSIGN(const IntList perm, permutation(attributes_, x.shape.rank()));
    const auto from = dense_strides(x.shape);
    const auto to = dense_strides(y.shape);
    StridedCopy copy;
    for (int axis = 0; axis < y.shape.rank(); ++axis) {
      copy.add(y.shape[axis], from[static_cast<size_t>(perm[axis])], to[static_cast<size_t>(axis)]);
    }
    SX_ASSIGN(const size_t width, element_bytes(x.dtype));
    return copy.run(width, x.data, y.data);
  }
  std::string_view name() const override { return "transpose"; }

 private:
  const Attributes& attributes_;
};

}  // namespace

Status infer_transpose(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  const ValueFacts& x = context.inputs[0];
  SX_TRY(check_movable(x.dtype));
  if (!x.has_shape) {
    if (!context.attributes.has("perm")) {
      context.set_output_unknown(0, x.dtype);
      return {};
    }
    const auto perm = context.attributes.get_ints("perm");
    if (perm.size() > kMaxRank) {
      return error(ErrorCode::ATTRIBUTE_INVALID, "attribute 'perm' has %zu axes", perm.size());
    }
    const int rank = static_cast<int>(perm.size());
    SX_ASSIGN(const IntList checked, permutation(context.attributes, rank));
    Shape out;
    out.resize(checked.size(), kUnknownDim);
    context.set_output(0, x.dtype, out);
    return {};
  }
  SX_ASSIGN(const IntList perm, permutation(context.attributes, x.shape.rank()));
  Shape out;
  for (int64_t axis : perm) out.push_back(x.shape[static_cast<int>(axis)]);
  context.set_output(0, x.dtype, out);
  return {};
}

Result<KernelPtr> make_transpose(const KernelInit& init) {
  return KernelPtr(std::make_unique<TransposeKernel>(init.attributes));
}

}  // namespace sardonyx::ops
