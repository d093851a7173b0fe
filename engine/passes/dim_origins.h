// Which dims that a run tells are the same.
#pragma once

#include <array>
#include <vector>

#include "engine/graph.h"

namespace sardonyx {

// Follows the dims of values of rank 4 and less through the operators that keep them, as of
// construction.
class DimOrigins {
 public:
  explicit DimOrigins(const Graph& graph);
  // Whether two values have one shape in every run.
  bool same_shape(ValueId a, ValueId b) const;

 private:
  static constexpr int kMaxFollowed = 4;
  // The first value along the graph whose dim this is.
  using Origins = std::array<ValueId, kMaxFollowed>;

  void follow(const Node& node);
  void follow_operands(const Node& node, ValueId out);
  bool followed(ValueId id) const;

  const Graph& graph_;
  std::vector<Origins> origins_;
};

}  // namespace sardonyx
