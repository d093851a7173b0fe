#pragma once

#include "base/status.h"

namespace sardonyx::tool {

// One line on stderr: the code, the message and what it is about.
void print_failure(const Status& status);

}  // namespace sardonyx::tool
