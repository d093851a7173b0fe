#include "engine/functions/registry.h"

namespace sardonyx {

const Function* find_function(std::string_view domain, std::string_view name, int opset) {
  for (const Function& function : all_functions()) {
    if (function.name == name && function.domain == domain && opset >= function.since &&
        opset <= function.until) {
      return &function;
    }
  }
  return nullptr;
}

}  // namespace sardonyx
