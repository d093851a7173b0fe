#include "base/letter_case.h"

#include <catch2/catch_test_macros.hpp>
#include <utility>

namespace sardonyx {

TEST_CASE("letters of the alphabets change their case and back") {
  const std::pair<const char*, const char*> pairs[] = {
      {"monday", "MONDAY"},     {"größe 12!", "GRÖßE 12!"},
      {"àéîõüþ÷ÿ", "ÀÉÎÕÜÞ÷Ÿ"}, {"āłžſ", "ĀŁŽſ"},
      {"αβγσωάέ", "ΑΒΓΣΩΆΈ"},   {"жизньёђ", "ЖИЗНЬЁЂ"},
      {"日本😀", "日本😀"},     {"", ""},
  };
  for (const auto& [lower, upper] : pairs) {
    CHECK(with_case(lower, LetterCase::kUpper) == upper);
    CHECK(with_case(upper, LetterCase::kLower) == lower);
  }
}

}  // namespace sardonyx
