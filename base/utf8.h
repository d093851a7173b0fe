// UTF-8 as Unicode defines it: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace sardonyx {

// Bytes of the first character of `text`; 0 when it is empty or does not start with a valid one.
size_t utf8_length(std::string_view text);
bool is_utf8(std::string_view text);

}  // namespace sardonyx
