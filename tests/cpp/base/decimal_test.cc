#include "base/decimal.h"

#include <bit>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>

namespace sardonyx {
namespace {

// The C library's answers, of correctly rounded conversions.
void check_parse(const std::string& text) {
  INFO(text);
  const auto parsed = Decimal::parse(text);
  REQUIRE(parsed);
  CHECK(parsed->to_double() == std::strtod(text.c_str(), nullptr));
  CHECK(parsed->to_float() == std::strtof(text.c_str(), nullptr));
}

void check_text(double value) {
  for (const int digits : {1, 2, 6, 9, 15, 17, 40}) {
    char expected[128];
    std::snprintf(expected, sizeof expected, "%.*g", digits, value);
    INFO(expected);
    CHECK(Decimal(value).text(digits) == expected);
  }
}

TEST_CASE("decimal numbers are read as the nearest floating-point number", "[decimal]") {
  for (const char* text :
       {"0", "0.0", "00012.50", ".5", "5.", "1e3", "1E+3", "1e-3", "123456789012345678901234567890",
        // Half-way between two numbers, and beside it.
        "9007199254740993", "9007199254740993.0000000000000000000000000001", "9007199254740995",
        "16777217", "16777219", "16777217.00000000000000000000000001",
        // At the ends of the ranges.
        "1.7976931348623157e308", "1.7976931348623159e308", "1.797693134862315808e308", "1e309",
        "3.4028235e38", "3.4028236e38", "2.2250738585072014e-308", "2.2250738585072011e-308",
        "4.9e-324", "2.4703282292062327e-324", "2.4703282292062328e-324", "1e-400", "1.4e-45",
        "7.006492321624085e-46", "7.006492321624086e-46", "1e99999999999999999999",
        "1e-99999999999999999999", "0e99999999999999999999"}) {
    check_parse(text);
  }
}

TEST_CASE("digits beyond those that are kept decide about ties", "[decimal]") {
  const std::string tie = "9007199254740993." + std::string(1200, '0');
  check_parse(tie);
  check_parse(tie + "1");
  check_parse("0." + std::string(2000, '0') + "1e2001");
  check_parse(std::string(3000, '7') + "e-2995");
}

TEST_CASE("random numbers survive both ways", "[decimal]") {
  std::mt19937_64 random(1);
  for (int i = 0; i < 3000; ++i) {
    const auto value = std::fabs(std::bit_cast<double>(random()));
    const auto small = std::fabs(std::bit_cast<float>(static_cast<uint32_t>(random())));
    if (!std::isfinite(value) || !std::isfinite(small)) continue;
    check_text(value);
    check_parse(Decimal(value).text(17));
    CHECK(Decimal::parse(Decimal(value).text(17))->to_double() == value);
    check_text(double{small});
    CHECK(Decimal::parse(Decimal(double{small}).text(9))->to_float() == small);
    check_text(static_cast<double>(random() % 1000000) / 1000);
  }
}

TEST_CASE("the ends of the range have texts", "[decimal]") {
  using Limits = std::numeric_limits<double>;
  for (const double value : {0.0, 0.5, 1.0, 9.5, 99999.5, 999999.5, 1e15, 1e16, 1e17, 1e22, 1e23,
                             Limits::max(), Limits::min(), Limits::denorm_min()}) {
    check_text(value);
  }
}

TEST_CASE("what is no decimal number is refused", "[decimal]") {
  for (const char* text : {"", ".", "-1", "+1", " 1", "1 ", "e5", "1e", "1e+", "1e5.", "1..2",
                           "0x1", "nan", "inf", "1,5", "1e5e5"}) {
    INFO(text);
    CHECK_FALSE(Decimal::parse(text));
  }
}

TEST_CASE("whole numbers keep all their digits", "[decimal]") {
  const auto integer = [](const char* text) { return Decimal::parse(text)->to_integer(); };
  CHECK(integer("18446744073709551615") == UINT64_MAX);
  CHECK(integer("18446744073709551614") == UINT64_MAX - 1);
  CHECK(integer("18446744073709551616") == UINT64_MAX);
  CHECK(integer("1e99") == UINT64_MAX);
  CHECK(integer("1e19") == 10000000000000000000u);
  CHECK(integer("0") == 0);
  CHECK(integer("2.5") == 2);
  CHECK(integer("3.5") == 4);
  CHECK(integer("0.4") == 0);
  CHECK(integer("1e-30") == 0);
  CHECK(Decimal::parse("12e3")->is_integer());
  CHECK(Decimal::parse("12.0")->is_integer());
  CHECK_FALSE(Decimal::parse("12.01")->is_integer());
}

}  // namespace
}  // namespace sardonyx
