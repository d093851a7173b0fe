#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <numeric>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/movement.h"

namespace sardonyx::test {
namespace {

void check_all_permutations(DType dtype, const Shape& shape) {
  std::vector<int64_t> perm(static_cast<size_t>(shape.rank()));
  std::iota(perm.begin(), perm.end(), 0);
  const TestTensor x = random_tensor(dtype, shape, 1, -100, 100);
  do {
    OpTest("Transpose").ints("perm", perm).input(x).expect(reference::transpose(x, perm)).run();
  } while (std::next_permutation(perm.begin(), perm.end()));
}

TEST_CASE("Transpose by every permutation", "[transpose]") {
  check_all_permutations(DType::kFloat32, {7});
  check_all_permutations(DType::kFloat32, {17, 33});
  check_all_permutations(DType::kFloat32, {5, 1, 19});
  check_all_permutations(DType::kFloat32, {2, 3, 18, 5});
  check_all_permutations(DType::kFloat32, {2, 0, 3});
  check_all_permutations(DType::kUint8, {3, 20, 7});
  check_all_permutations(DType::kFloat16, {3, 2, 17});
  check_all_permutations(DType::kInt64, {3, 4, 2, 2});
  check_all_permutations(DType::kBool, {2, 3, 5});
}

TEST_CASE("Transpose of large and high-rank tensors", "[transpose]") {
  const TestTensor large = random_f32({3, 129, 515}, 2);
  OpTest("Transpose")
      .ints("perm", {0, 2, 1})
      .input(large)
      .expect(reference::transpose(large, {0, 2, 1}))
      .run();
  OpTest("Transpose")
      .ints("perm", {2, 0, 1})
      .input(large)
      .expect(reference::transpose(large, {2, 0, 1}))
      .run();
  const TestTensor deep = random_f32({2, 3, 1, 2, 3, 2, 1, 2}, 3);
  const std::vector<int64_t> perm = {7, 2, 5, 0, 3, 6, 1, 4};
  OpTest("Transpose").ints("perm", perm).input(deep).expect(reference::transpose(deep, perm)).run();
}

TEST_CASE("Transpose without a permutation reverses", "[transpose]") {
  const TestTensor x = random_f32({2, 3, 4}, 4);
  OpTest("Transpose").input(x).expect(reference::transpose(x, {2, 1, 0})).run();
  const TestTensor scalar = random_f32({}, 5);
  OpTest("Transpose").input(scalar).expect(scalar).run();
}

TEST_CASE("Transpose refuses what is no permutation", "[transpose]") {
  const TestTensor x = random_f32({2, 3, 4}, 6);
  const std::vector<std::vector<int64_t>> kWrong = {
      {0, 1}, {0, 1, 1}, {0, 1, 3}, {0, -2, 2}, {0, 1, 2, 3}, std::vector<int64_t>(99, 0)};
  for (const auto& perm : kWrong) {
    OpTest("Transpose").ints("perm", perm).input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
  }
}

}  // namespace
}  // namespace sardonyx::test
