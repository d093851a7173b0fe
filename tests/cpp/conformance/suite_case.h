// One test of ONNX's backend suite: a folder with model.onnx and test_data_set_0, 1, …
#pragma once

#include <string>
#include <vector>

namespace sardonyx::test {

struct SuiteCase {
  std::string group;   // "node", "simple", "v1.8.1"…
  std::string name;    // "test_abs"
  std::string folder;  // where model.onnx is
};

// All tests below a folder, sorted by group and name.
std::vector<SuiteCase> find_cases(const std::string& folder);

// Loads the model and runs each data set. Empty when everything agrees; otherwise "CODE: message"
// of the error, or the output that differs and how.
std::string run_case(const SuiteCase& test);

}  // namespace sardonyx::test
