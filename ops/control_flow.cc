// If, Loop and Scan: what their operands must be. What their bodies give, and running them, is in
// engine/control.
#include "ops/operator.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

// The one element that decides about a body.
Status check_single(const InferContext& context, size_t input, DType dtype) {
  if (!context.has_input(input)) return {};
  SX_TRY(check_dtype(context, input, {dtype}));
  const ValueFacts& facts = context.inputs[input];
  if (facts.kind != ValueKind::kTensor) {
    return error(ErrorCode::DTYPE_UNSUPPORTED, "input %zu is a %s: must be a tensor", input,
                 kind_name(facts.kind).data());
  }
  if (!facts.is_static() || facts.shape.elements() == 1) return {};
  return error(ErrorCode::SHAPE_MISMATCH, "input %zu has shape %s, one element is wanted", input,
               facts.shape.to_string().c_str());
}

}  // namespace

Status infer_if_else(InferContext& context) {
  if (!context.has_input(0)) {
    return error(ErrorCode::GRAPH_INPUT_MISSING, "input 0, the condition, is required");
  }
  return check_single(context, 0, DType::kBool);
}

Status infer_loop(InferContext& context) {
  SX_TRY(check_single(context, 0, DType::kInt64));
  return check_single(context, 1, DType::kBool);
}

Status infer_scan(InferContext& context) {
  SX_ASSIGN(const int64_t count, context.attributes.require_int("num_scan_inputs"));
  if (count >= 1) return {};
  return error(ErrorCode::ATTRIBUTE_INVALID, "num_scan_inputs is %lld, at least 1 is wanted",
               static_cast<long long>(count));
}

Result<KernelPtr> make_if_else(const KernelInit&) {
  return KernelPtr();
}

Result<KernelPtr> make_loop(const KernelInit&) {
  return KernelPtr();
}

Result<KernelPtr> make_scan(const KernelInit&) {
  return KernelPtr();
}

}  // namespace sardonyx::ops
