#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/movement.h"

namespace sardonyx::test {
namespace {

TestTensor compress(const TestTensor& x, const std::vector<int>& condition, int axis) {
  std::vector<int64_t> chosen;
  for (size_t i = 0; i < condition.size(); ++i) {
    if (condition[i]) chosen.push_back(static_cast<int64_t>(i));
  }
  Shape shape = x.shape;
  shape[axis] = static_cast<int64_t>(chosen.size());
  return reference::gather_from(x, shape, [&](std::vector<int64_t> at) {
    auto& place = at[static_cast<size_t>(axis)];
    place = chosen[static_cast<size_t>(place)];
    return at;
  });
}

TestTensor flags(const std::vector<int>& condition) {
  return bools({static_cast<int64_t>(condition.size())}, condition);
}

}  // namespace

TEST_CASE("Compress along every axis and of the flat tensor", "[compress]") {
  for (DType dtype : {DType::kFloat32, DType::kInt64, DType::kUint8}) {
    const TestTensor x = random_tensor(dtype, {3, 4, 2}, 1, 0, 99);
    for (const std::vector<int>& condition : {std::vector<int>{}, {1}, {0, 1}, {1, 1}, {0, 0}}) {
      for (int axis = 0; axis < 3; ++axis) {
        OpTest("Compress", 11)
            .set("axis", axis - 3)
            .input(x)
            .weight(flags(condition))
            .expect(compress(x, condition, axis))
            .run();
      }
      const TestTensor flat = reference::reshape(x, {24});
      OpTest("Compress", 11)
          .input(x)
          .weight(flags(condition))
          .expect(compress(flat, condition, 0))
          .run();
    }
  }
}

TEST_CASE("Compress leaves out what the condition is too long for", "[compress]") {
  const TestTensor x = f32({2}, {1, 2});
  OpTest("Compress", 11).input(x).weight(bools({4}, {0, 1, 1, 1})).expect(f32({1}, {2})).run();
  OpTest("Compress", 11).input(f32({0}, {})).weight(bools({1}, {1})).expect(f32({0}, {})).run();
}

TEST_CASE("Compress refuses axes, dtypes and ranks", "[compress]") {
  const TestTensor x = random_f32({2, 2}, 1);
  OpTest("Compress", 11)
      .set("axis", 2)
      .input(x)
      .weight(bools({1}, {1}))
      .fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("Compress", 11).input(x).weight(i64({1}, {1})).fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("Compress", 11).input(x).weight(bools({1, 1}, {1})).fails(ErrorCode::SHAPE_MISMATCH);
}

}  // namespace sardonyx::test
