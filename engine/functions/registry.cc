#include "engine/functions/registry.h"

#include <initializer_list>

#include "engine/built_functions.h"

namespace sardonyx {

namespace functions {

#define SX_FUNCTION(domain, name, symbol, since, until, family) \
  SX_BUILT_##symbol(Status expand_##symbol(FunctionBody& body);)
#include "engine/functions/functions.def"
#undef SX_FUNCTION

}  // namespace functions

namespace {

// A build may have none.
constexpr std::initializer_list<Function> kFunctions = {
#define SX_FUNCTION(domain, name, symbol, since, until, family) \
  SX_BUILT_##symbol({domain, name, since, until, &functions::expand_##symbol}, )
#include "engine/functions/functions.def"
#undef SX_FUNCTION
};

}  // namespace

std::span<const Function> all_functions() {
  return {kFunctions.begin(), kFunctions.size()};
}

}  // namespace sardonyx
