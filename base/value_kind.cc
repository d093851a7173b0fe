#include "base/value_kind.h"

namespace sardonyx {

std::string_view kind_name(ValueKind kind) {
  constexpr std::string_view kNames[] = {"tensor", "sequence", "optional tensor",
                                         "optional sequence"};
  return kNames[static_cast<int>(kind)];
}

}  // namespace sardonyx
