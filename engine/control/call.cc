#include "engine/control/call.h"

#include "engine/lowering.h"
#include "ops/shape_rule.h"

namespace sardonyx {

std::unique_ptr<Call> make_call(const Step& step) {
  if (step.node->type == "If") return make_if_call(step);
  if (step.node->type == "Loop") return make_loop_call(step);
  return make_scan_call(step);
}

Result<bool> read_condition(const TensorView& view, const char* what) {
  if (view.dtype != DType::kBool) return ops::unsupported_dtype(view.dtype);
  if (view.elements() != 1) {
    return error(ErrorCode::SHAPE_MISMATCH, "%s has shape %s, one element is wanted", what,
                 view.shape.to_string().c_str());
  }
  return *view.as<const uint8_t>() != 0;
}

}  // namespace sardonyx
