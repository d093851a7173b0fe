// Which operators and functions a module must have for a model.
#pragma once

#include <string>

#include "base/status.h"
#include "tools/native/recorded_lookups.h"

namespace sardonyx::tool {

// Compiles the model and tells what that asks for: operators of the graph as it came, of functions,
// of what the passes make, of layouts. A module that has these compiles it to the same steps, and
// runs look nothing up. Weights among the inputs are taken as constants, and then as fed.
Result<Lookups> lookups_of(const std::string& path);

}  // namespace sardonyx::tool
