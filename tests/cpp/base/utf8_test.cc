#include "base/utf8.h"

#include <catch2/catch_test_macros.hpp>
#include <string>

namespace sardonyx {

TEST_CASE("characters of one to four bytes are UTF-8") {
  for (const char* text : {"", "plain", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                           "\xf4\x8f\xbf\xbf", "\xee\x80\x80", "a\xc3\xa9z"}) {
    INFO(text);
    CHECK(is_utf8(text));
  }
  CHECK(is_utf8(std::string_view("\0", 1)));
  CHECK(utf8_length("\xe2\x82\xac!") == 3);
  CHECK(utf8_length("") == 0);
}

TEST_CASE("cut, overlong, surrogate and too large forms are not UTF-8") {
  for (const char* text :
       {"\x80", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf",
        "\xf0\x8f\xbf\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf4\x90\x80\x80",
        "\xf8\x88\x80\x80\x80", "\xff", "a\xc3z", "ok\xe2"}) {
    CHECK_FALSE(is_utf8(text));
  }
}

}  // namespace sardonyx
