#include "base/message.h"

#include <catch2/catch_test_macros.hpp>
#include <cstdio>
#include <limits>

namespace sardonyx {
namespace {

__attribute__((format(printf, 1, 2))) void check_same(const char* format, ...) {
  char expected[512];
  va_list args;
  va_start(args, format);
  std::vsnprintf(expected, sizeof expected, format, args);
  va_end(args);
  va_start(args, format);
  CHECK(format_message(format, args, 511) == expected);
  va_end(args);
}

std::string cut(size_t limit, const char* format, ...) {
  va_list args;
  va_start(args, format);
  std::string text = format_message(format, args, limit);
  va_end(args);
  return text;
}

TEST_CASE("messages are formatted as by the C library", "[message]") {
  check_same("no conversion");
  check_same("100 %%, %s", "text");
  check_same("%d %d %u %x", -1, 2147483647, 4294967295u, 0xbeefu);
  check_same("%ld %lu %lld %llu %llx", -5l, 5ul, -9223372036854775807ll - 1,
             18446744073709551615ull, 255ull);
  check_same("%zu of %zu", size_t{0}, std::numeric_limits<size_t>::max());
  check_same("'%c' %.3s|%.9s", 'x', "abcdef", "abc");
  check_same("%g %g %g %g", 0.1, -1e-7, 123456789.0, 1e300);
  check_same("%g %g", std::numeric_limits<double>::infinity(), -0.0);
}

TEST_CASE("messages end at their limit", "[message]") {
  CHECK(cut(5, "%s", "abcdefgh") == "abcde");
  CHECK(cut(5, "ab%lld", 123456789ll) == "ab123");
  CHECK(cut(0, "ab").empty());
}

}  // namespace
}  // namespace sardonyx
