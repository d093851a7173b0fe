// What the cases of golden_tests begin with.
#pragma once

#include <catch2/catch_test_macros.hpp>
#include <string>

#include "tests/cpp/golden/golden_data.h"

namespace sardonyx::test {

inline void require_ok(const Status& status) {
  INFO(status.message() << " (node '" << status.node() << "' " << status.op() << ")");
  REQUIRE(status.ok());
}

// The folder of the trained models; skips the case when there is none.
inline std::string shared_or_skip() {
  const auto folder = shared_folder();
  if (!folder) SKIP("no trained models: ../shared is absent and SARDONYX_SHARED is not set");
  return *folder;
}

}  // namespace sardonyx::test
