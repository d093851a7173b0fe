// The last failure, kept for sx_error().
#pragma once

#include <cstdint>

#include "base/status.h"

namespace sardonyx::c_api {

// Keeps the status as the last failure unless it is OK. Returns its number, 0 for OK.
int32_t report(const Status& status);

}  // namespace sardonyx::c_api
