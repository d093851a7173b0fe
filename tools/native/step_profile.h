// Time per step of a bound run.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "engine/session.h"

namespace sardonyx::tool {

struct StepTime {
  std::string node;
  std::string op;
  std::string kernel;
  std::string output;  // dtype, shape and layout of output 0
  double ms = 0;       // fastest of the repetitions
};

// Repeats each step with a kernel of a finished run on the memory that the run has left behind:
// contents differ from those of the run where buffers are shared, shapes do not.
Result<std::vector<StepTime>> profile_steps(const Session& session, const Run& run,
                                            int repetitions);

}  // namespace sardonyx::tool
