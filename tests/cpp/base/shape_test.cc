#include "base/shape.h"

#include <catch2/catch_test_macros.hpp>

using namespace sardonyx;

TEST_CASE("elements multiply with overflow checks") {
  CHECK(Shape{}.elements() == 1);
  CHECK(Shape{2, 3, 4}.elements() == 24);
  CHECK(Shape{2, 0, 4}.elements() == 0);
  CHECK(Shape{2, kUnknownDim}.elements() == std::nullopt);
  CHECK(Shape{INT64_MAX, 2}.elements() == std::nullopt);
}

TEST_CASE("a shape never holds more than kMaxRank dims") {
  Shape shape;
  for (int i = 0; i < kMaxRank; ++i) CHECK(shape.push_back(i));
  CHECK_FALSE(shape.push_back(1));
  CHECK(shape.rank() == kMaxRank);
}

TEST_CASE("axes count from the end when negative") {
  CHECK(normalize_axis(-1, 3) == 2);
  CHECK(normalize_axis(0, 3) == 0);
  CHECK(normalize_axis(3, 3) == std::nullopt);
  CHECK(normalize_axis(-4, 3) == std::nullopt);
  CHECK(normalize_axis(0, 0) == std::nullopt);
}

TEST_CASE("shapes broadcast as in NumPy") {
  CHECK(broadcast({2, 1, 3}, {4, 1}) == Shape{2, 4, 3});
  CHECK(broadcast({}, {5}) == Shape{5});
  CHECK(broadcast({0}, {1}) == Shape{0});
  CHECK(broadcast({2}, {3}) == std::nullopt);
  CHECK(broadcast({kUnknownDim, 3}, {1, 3}) == Shape{kUnknownDim, 3});
  CHECK(broadcast({kUnknownDim}, {7}) == Shape{7});
}

TEST_CASE("shapes print unknown dims as question marks") {
  CHECK(Shape{1, kUnknownDim, 3}.to_string() == "[1,?,3]");
}
