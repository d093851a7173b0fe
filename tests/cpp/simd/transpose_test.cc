#include "simd/transpose.h"

#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <vector>

namespace sardonyx::simd {
namespace {

TEST_CASE("tiles of any size are transposed, bit by bit", "[transpose]") {
  constexpr int64_t kFromStride = 21;
  constexpr int64_t kToStride = 19;
  for (int64_t rows = 0; rows <= 17; ++rows) {
    for (int64_t columns = 0; columns <= 17; ++columns) {
      CAPTURE(rows, columns);
      // Patterns that include signalling NaNs; sized so that a read or write outside is found.
      std::vector<uint32_t> from(
          static_cast<size_t>(rows ? (rows - 1) * kFromStride + columns : 0));
      for (size_t i = 0; i < from.size(); ++i) from[i] = 0x7f800001u + static_cast<uint32_t>(i);
      std::vector<uint32_t> to(static_cast<size_t>(columns ? (columns - 1) * kToStride + rows : 0),
                               7);
      std::vector<uint32_t> expected = to;
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t c = 0; c < columns; ++c) {
          expected[static_cast<size_t>(c * kToStride + r)] =
              from[static_cast<size_t>(r * kFromStride + c)];
        }
      }
      const void* source = from.data();
      void* target = to.data();
      transpose_tile(static_cast<const float*>(source), kFromStride, rows, columns,
                     static_cast<float*>(target), kToStride);
      CHECK(to == expected);
    }
  }
}

}  // namespace
}  // namespace sardonyx::simd
