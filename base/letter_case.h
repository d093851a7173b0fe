// Upper and lower case of Latin, Greek and Cyrillic letters, one character for one.
#pragma once

#include <string>
#include <string_view>

namespace sardonyx {

enum class LetterCase { kLower, kUpper };

// Of UTF-8. Letters whose other case has more than one character stay ("ß").
std::string with_case(std::string_view text, LetterCase wanted);

}  // namespace sardonyx
