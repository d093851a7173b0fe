// The functions of functions.def as a table.
#pragma once

#include <span>
#include <string_view>

#include "engine/functions/function_body.h"

namespace sardonyx {

struct Function {
  std::string_view domain;  // "" is ai.onnx
  std::string_view name;
  int since;
  int until;
  Status (*expand)(FunctionBody& body);
};

// The entry that serves the operator at that opset; null when there is none.
const Function* find_function(std::string_view domain, std::string_view name, int opset);
std::span<const Function> all_functions();

}  // namespace sardonyx
