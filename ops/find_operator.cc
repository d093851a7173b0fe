#include "ops/operator.h"

namespace sardonyx {

const Operator* find_operator(std::string_view domain, std::string_view name, int opset) {
  if (domain == "ai.onnx") domain = {};
  for (const Operator& op : all_operators()) {
    if (op.name == name && op.domain == domain && opset >= op.since && opset <= op.until) {
      return &op;
    }
  }
  return nullptr;
}

}  // namespace sardonyx
