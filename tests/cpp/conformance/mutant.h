// Mutants of one test of ONNX's suite: made, compiled and run.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/box.h"
#include "tests/cpp/conformance/model_mutation.h"
#include "tests/cpp/conformance/suite_case.h"

namespace sardonyx::test {

// What the mutants of a test start from.
struct Original {
  uint32_t hash = 0;  // of the test's name, so that each has mutants of its own
  FedModel fed;
  std::map<std::string, Box> boxes;  // what inputs of other kinds than tensors are fed
};

// nullopt when the test's files can not be read.
std::optional<Original> read_original(const SuiteCase& test);

enum class Outcome : uint8_t {
  kRan,
  kRefused,    // with a typed error
  kCancelled,  // it would have run for long, and returned when its time was used up
  kWrong,      // everything else that is no crash
};

struct Mutant {
  std::string story;  // what was changed
  Outcome outcome = Outcome::kWrong;
  std::string detail;  // the error
};

// The mutant of a test with this number: always the same. `announce` is called before it runs.
Mutant run_mutant(const Original& original, uint32_t number, bool announce);

}  // namespace sardonyx::test
