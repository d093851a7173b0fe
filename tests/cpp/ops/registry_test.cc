#include <set>
#include <string>
#include <tuple>

#include <catch2/catch_test_macros.hpp>
#include "ops/operator.h"

namespace sardonyx {
namespace {

TEST_CASE("every operator is found at each end of its opset range", "[registry]") {
  for (const Operator& op : all_operators()) {
    INFO(op.domain << "." << op.name << " since " << op.since);
    CHECK(op.since >= 1);
    CHECK(op.until >= op.since);
    CHECK(find_operator(op.domain, op.name, op.since) == &op);
    CHECK(find_operator(op.domain, op.name, op.until) == &op);
    CHECK(op.infer != nullptr);
    CHECK(op.make != nullptr);
    CHECK((op.takes_nc4hw4 != nullptr) == (op.layout == LayoutPolicy::kChannelAware));
  }
}

TEST_CASE("no two entries serve the same opset of an operator", "[registry]") {
  const auto operators = all_operators();
  for (size_t i = 0; i < operators.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const Operator& a = operators[i];
      const Operator& b = operators[j];
      if (a.name != b.name || a.domain != b.domain) continue;
      INFO(a.domain << "." << a.name);
      CHECK((a.until < b.since || b.until < a.since));
    }
  }
}

TEST_CASE("lookups outside the list give nothing", "[registry]") {
  CHECK(find_operator("", "NoSuchOperator", 13) == nullptr);
  CHECK(find_operator("", "", 13) == nullptr);
  CHECK(find_operator("no.such.domain", "Relu", 13) == nullptr);
  CHECK(find_operator("", "Relu", 0) == nullptr);
  CHECK(find_operator("", "relu", 13) == nullptr);
}

TEST_CASE("ai.onnx is the default domain", "[registry]") {
  for (const Operator& op : all_operators()) {
    if (op.domain.empty()) CHECK(find_operator("ai.onnx", op.name, op.since) == &op);
  }
}

}  // namespace
}  // namespace sardonyx
