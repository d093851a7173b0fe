#include "simd/half.h"

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include <catch2/catch_test_macros.hpp>

namespace sardonyx::simd {
namespace {

std::vector<uint16_t> all_halves() {
  std::vector<uint16_t> out(1 << 16);
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<uint16_t>(i);
  return out;
}

double value_of(uint16_t half) {
  const int exponent = half >> 10 & 31;
  const double fraction = (half & 1023) / 1024.0;
  const double magnitude =
      exponent == 0 ? std::ldexp(fraction, -14) : std::ldexp(1 + fraction, exponent - 15);
  return half & 0x8000 ? -magnitude : magnitude;
}

bool is_special(uint16_t half) {
  return (half & 0x7c00) == 0x7c00;
}

uint16_t narrowed(float value) {
  uint16_t half = 0;
  floats_to_halves(&value, &half, 1);
  return half;
}

TEST_CASE("Every float16 as a float and back", "[half]") {
  const std::vector<uint16_t> halves = all_halves();
  std::vector<float> floats(halves.size());
  halves_to_floats(halves.data(), floats.data(), static_cast<int64_t>(halves.size()));
  std::vector<uint16_t> back(halves.size());
  floats_to_halves(floats.data(), back.data(), static_cast<int64_t>(halves.size()));
  for (size_t i = 0; i < halves.size(); ++i) {
    const auto pattern = std::bit_cast<uint32_t>(floats[i]);
    const bool nan = is_special(halves[i]) && (halves[i] & 1023) != 0;
    const uint32_t half = halves[i];
    const uint32_t special = (half & 0x8000) << 16 | 0x7f800000 | (half & 1023) << 13;
    const uint32_t expected =
        is_special(halves[i]) ? special
                              : std::bit_cast<uint32_t>(static_cast<float>(value_of(halves[i])));
    if (pattern != expected) FAIL("float16 " << i << " became " << floats[i]);
    const auto rounded = static_cast<uint16_t>(nan ? (half & 0x8000) | 0x7e00 : half);
    if (back[i] != rounded) FAIL("float16 " << i << " came back as " << back[i]);
  }
}

TEST_CASE("Floats between two float16 go to the nearest, ties to the even one", "[half]") {
  for (uint16_t half = 0; half < 0x7bff; ++half) {
    const auto low = static_cast<float>(value_of(half));
    const auto high = static_cast<float>(value_of(static_cast<uint16_t>(half + 1)));
    const float middle = low + (high - low) / 2;
    const auto even = static_cast<uint16_t>(half + (half & 1));
    const auto next = static_cast<uint16_t>(half + 1);
    const bool right = narrowed(middle) == even && narrowed(std::nextafter(middle, low)) == half &&
                       narrowed(std::nextafter(middle, high)) == next &&
                       narrowed(-middle) == (even | 0x8000);
    if (!right) FAIL("around float16 " << half);
  }
  CHECK(narrowed(65519.996f) == 0x7bff);
  CHECK(narrowed(65520.0f) == 0x7c00);
  CHECK(narrowed(std::numeric_limits<float>::max()) == 0x7c00);
  CHECK(narrowed(-std::numeric_limits<float>::infinity()) == 0xfc00);
  CHECK(narrowed(std::numeric_limits<float>::denorm_min()) == 0);
  CHECK(narrowed(-std::numeric_limits<float>::denorm_min()) == 0x8000);
}

TEST_CASE("Float16 spans of any length leave what lies behind alone", "[half]") {
  const float floats[] = {1, 2, 3, 4, 5, 6, 7, 8};
  for (int64_t count = 0; count < 8; ++count) {
    std::vector<uint16_t> halves(8, 0xffff);
    floats_to_halves(floats, halves.data(), count);
    std::vector<float> back(8, -1.0f);
    halves_to_floats(halves.data(), back.data(), count);
    for (int64_t i = 0; i < 8; ++i) {
      CHECK((halves[static_cast<size_t>(i)] == 0xffff) == (i >= count));
      CHECK(back[static_cast<size_t>(i)] == (i < count ? floats[i] : -1.0f));
    }
  }
}

}  // namespace
}  // namespace sardonyx::simd
