// JSON about a session, for the C ABI (formats in c_api/sardonyx.h).
#pragma once

#include <string>

#include "engine/session.h"

namespace sardonyx {

std::string describe_session(const Session& session);
// `run` may be null; with it, the shapes of its current binding are included.
std::string explain_session(const Session& session, const Run* run);
// What Run::measure() has measured.
std::string describe_profile(const Run& run);

}  // namespace sardonyx
