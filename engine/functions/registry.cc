#include "engine/functions/registry.h"

namespace sardonyx {

namespace functions {

#define SX_FUNCTION(domain, name, symbol, since, until, family) \
  Status expand_##symbol(FunctionBody& body);
#include "engine/functions/functions.def"
#undef SX_FUNCTION

}  // namespace functions

namespace {

constexpr Function kFunctions[] = {
#define SX_FUNCTION(domain, name, symbol, since, until, family) \
  {domain, name, since, until, &functions::expand_##symbol},
#include "engine/functions/functions.def"
#undef SX_FUNCTION
};

}  // namespace

const Function* find_function(std::string_view domain, std::string_view name, int opset) {
  for (const Function& function : kFunctions) {
    if (function.name == name && function.domain == domain && opset >= function.since &&
        opset <= function.until) {
      return &function;
    }
  }
  return nullptr;
}

std::span<const Function> all_functions() {
  return kFunctions;
}

}  // namespace sardonyx
