#include "simd/unpack_bits.h"

#include <catch2/catch_test_macros.hpp>
#include <vector>

namespace sardonyx::simd {
namespace {

TEST_CASE("integers of 2, 4 and 8 bits become bytes, the low bits first", "[unpack_bits]") {
  for (int bits : {2, 4, 8}) {
    for (int64_t count : {0, 1, 3, 31, 32, 33, 64, 95, 200}) {
      CAPTURE(bits, count);
      const int64_t bytes = (count * bits + 7) / 8;
      std::vector<uint8_t> packed, expected, out(static_cast<size_t>(count));
      for (int64_t i = 0; i < bytes; ++i) packed.push_back(static_cast<uint8_t>(i * 151 + 43));
      for (int64_t i = 0; i < count; ++i) {
        const uint8_t byte = packed[static_cast<size_t>(i * bits / 8)];
        expected.push_back(static_cast<uint8_t>(byte >> (i * bits % 8) & ((1 << bits) - 1)));
      }
      unpack_bits(packed.data(), bits, count, out.data());
      CHECK(out == expected);
    }
  }
}

}  // namespace
}  // namespace sardonyx::simd
