// Text of messages: a part of what vsnprintf() writes, at a part of its size.
#pragma once

#include <cstdarg>
#include <string>

namespace sardonyx {

// Takes %s, %.100s, %c, %d, %u, %x, their l, ll and z forms, %g and %%. Longer texts are cut at
// `limit` bytes.
std::string format_message(const char* format, va_list args, size_t limit);

}  // namespace sardonyx
