#include "base/tensor.h"

#include <catch2/catch_test_macros.hpp>

using namespace sardonyx;

TEST_CASE("storage pads channels to four in NC4HW4 only") {
  CHECK(storage_bytes(DType::kFloat32, {1, 3, 2, 2}, Layout::kRowMajor) == 48);
  CHECK(storage_bytes(DType::kFloat32, {1, 3, 2, 2}, Layout::kNC4HW4) == 64);
  CHECK(storage_bytes(DType::kFloat32, {5}, Layout::kNC4HW4) == 20);
}

TEST_CASE("elements of less than a byte are packed") {
  CHECK(storage_bytes(DType::kInt4, {3}, Layout::kRowMajor) == 2);
  CHECK(storage_bytes(DType::kUint2, {5}, Layout::kRowMajor) == 2);
  CHECK(storage_bytes(DType::kInt4, {}, Layout::kRowMajor) == 1);
}

TEST_CASE("unknown, overflowing and too large sizes have no bytes") {
  CHECK(storage_bytes(DType::kFloat32, {kUnknownDim}, Layout::kRowMajor) == std::nullopt);
  CHECK(storage_bytes(DType::kFloat32, {INT64_MAX / 4}, Layout::kRowMajor) == std::nullopt);
  CHECK(storage_bytes(DType::kUint8, {int64_t{1} << 32}, Layout::kRowMajor) == std::nullopt);
  CHECK(storage_bytes(DType::kFloat32, {1, INT64_MAX, 1, 1}, Layout::kNC4HW4) == std::nullopt);
  CHECK(storage_bytes(DType::kUint8, {int64_t{1} << 31}, Layout::kRowMajor) == size_t{1} << 31);
}

TEST_CASE("the dims of an empty tensor are bounded too") {
  CHECK(storage_bytes(DType::kFloat32, {0, 3, 7}, Layout::kRowMajor) == 0);
  CHECK(storage_bytes(DType::kFloat32, {0, 3, 7}, Layout::kNC4HW4) == 0);
  CHECK(storage_bytes(DType::kFloat32, {0, int64_t{1} << 40}, Layout::kRowMajor) == std::nullopt);
  CHECK(storage_bytes(DType::kFloat32, {INT64_MAX, 0, 2}, Layout::kRowMajor) == std::nullopt);
}

TEST_CASE("a constant owns memory of its shape") {
  const auto constant = make_constant(DType::kInt64, {2, 3}).take();
  CHECK(constant->payload.bytes == 48);
  CHECK(constant->view().elements() == 6);
  CHECK(make_constant(DType::kFloat32, {1 << 20, 1 << 20}).status().code() ==
        ErrorCode::LIMIT_EXCEEDED);
}
