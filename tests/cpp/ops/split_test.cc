#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/movement.h"

namespace sardonyx::test {
namespace {

std::vector<TestTensor> parts_of(const TestTensor& x, int axis, const std::vector<int64_t>& sizes) {
  std::vector<TestTensor> out;
  int64_t first = 0;
  for (int64_t size : sizes) {
    out.push_back(reference::take(x, axis, first, size));
    first += size;
  }
  return out;
}

TestTensor list(const std::vector<int64_t>& values) {
  return i64({static_cast<int64_t>(values.size())}, values);
}

TEST_CASE("Split by sizes", "[split]") {
  for (DType dtype : {DType::kFloat32, DType::kInt64, DType::kBool}) {
    for (int axis : {0, 1, 2, -1}) {
      const TestTensor x = random_tensor(dtype, {6, 6, 6}, 1);
      const std::vector<int64_t> sizes = {1, 0, 3, 2};
      OpTest old("Split", 11);
      OpTest current("Split", 13);
      old.set("axis", axis).ints("split", sizes).input(x);
      current.set("axis", axis).input(x).weight(list(sizes));
      size_t i = 0;
      for (const TestTensor& part : parts_of(x, axis < 0 ? axis + 3 : axis, sizes)) {
        old.expect(part);
        if (i++ == 2) {
          current.expect_absent();
        } else {
          current.expect(part);
        }
      }
      old.run();
      current.run();
    }
  }
}

TEST_CASE("Split into equal parts", "[split]") {
  const TestTensor x = random_f32({2, 6, 5}, 2);
  const auto parts = parts_of(x, 1, {2, 2, 2});
  for (int opset : {2, 11, 13}) {
    OpTest("Split", opset)
        .set("axis", 1)
        .input(x)
        .expect(parts[0])
        .expect_absent()
        .expect(parts[2])
        .run();
  }
  OpTest("Split", 18)
      .set("axis", 1)
      .set("num_outputs", 3)
      .input(x)
      .expect(parts[0])
      .expect(parts[1])
      .expect(parts[2])
      .run();
  const TestTensor seven = random_f32({7}, 3);
  const auto uneven = parts_of(seven, 0, {3, 3, 1});
  OpTest("Split", 18)
      .set("num_outputs", 3)
      .input(seven)
      .expect(uneven[0])
      .expect(uneven[1])
      .expect(uneven[2])
      .run();
}

TEST_CASE("Split refuses what does not fit", "[split]") {
  const TestTensor x = random_f32({6}, 1);
  const TestTensor part = random_f32({3}, 1);
  OpTest("Split", 13)
      .input(x)
      .constant(list({2, 2}))
      .expect(part)
      .expect(part)
      .fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("Split", 13)
      .input(x)
      .constant(list({7, -1}))
      .expect(part)
      .expect(part)
      .fails(ErrorCode::VALUE_RANGE);
  OpTest("Split", 13)
      .input(x)
      .constant(list({6}))
      .expect(part)
      .expect(part)
      .fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("Split", 13)
      .input(x)
      .constant(list({INT64_MAX, INT64_MAX}))
      .expect(part)
      .expect(part)
      .fails(ErrorCode::VALUE_RANGE);
  OpTest("Split", 13)
      .set("axis", 1)
      .input(x)
      .expect(part)
      .expect(part)
      .fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("Split", 18)
      .set("num_outputs", 3)
      .input(x)
      .expect(part)
      .expect(part)
      .fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("Split", 11)
      .ints("split", {3, 4})
      .input(x)
      .expect(part)
      .expect(part)
      .fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("Split", 13)
      .input(random_f32({7}, 1))
      .expect(part)
      .expect(part)
      .fails(ErrorCode::SHAPE_MISMATCH);
}

}  // namespace
}  // namespace sardonyx::test
