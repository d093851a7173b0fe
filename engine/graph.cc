#include "engine/graph.h"

namespace sardonyx {

std::string Node::label() const {
  std::string text = domain.empty() ? type : domain + "." + type;
  if (!name.empty()) return text + " '" + name + "'";
  return text;
}

}  // namespace sardonyx
