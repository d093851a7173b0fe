#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/movement.h"

namespace sardonyx::test {

TEST_CASE("ReverseSequence in both orders of the axes", "[reverse_sequence]") {
  for (DType dtype : {DType::kFloat32, DType::kInt64, DType::kBool}) {
    for (const Shape& shape : {Shape{4, 3}, Shape{4, 3, 2}, Shape{4, 0}}) {
      for (size_t batch_axis : {size_t{0}, size_t{1}}) {
        const int64_t batches = shape[static_cast<int>(batch_axis)];
        const int64_t times = shape[static_cast<int>(1 - batch_axis)];
        const TestTensor x = random_tensor(dtype, shape, 1, 0, 99);
        const TestTensor lengths =
            random_tensor(DType::kInt64, {batches}, 2, 0, static_cast<double>(times));
        const TestTensor y = reference::gather_from(x, shape, [&](std::vector<int64_t> at) {
          const auto length = static_cast<int64_t>(element(lengths, at[batch_axis]));
          int64_t& time = at[1 - batch_axis];
          if (time < length) time = length - 1 - time;
          return at;
        });
        OpTest("ReverseSequence", 10)
            .set("batch_axis", static_cast<int64_t>(batch_axis))
            .set("time_axis", static_cast<int64_t>(1 - batch_axis))
            .input(x)
            .weight(lengths)
            .expect(y)
            .run();
      }
    }
  }
}

TEST_CASE("ReverseSequence refuses lengths, axes and shapes", "[reverse_sequence]") {
  const TestTensor x = random_f32({2, 3}, 1);
  const auto test = [&] { return OpTest("ReverseSequence", 10).input(x); };
  test().weight(i64({3}, {0, 3, 0})).fails(ErrorCode::INDEX_RANGE);
  test().weight(i64({3}, {0, -1, 0})).fails(ErrorCode::INDEX_RANGE);
  test().weight(i64({2}, {0, 0})).fails(ErrorCode::SHAPE_MISMATCH);
  test().set("batch_axis", 2).weight(i64({3}, {0, 0, 0})).fails(ErrorCode::ATTRIBUTE_INVALID);
  test().set("time_axis", 1).weight(i64({3}, {0, 0, 0})).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("ReverseSequence", 10)
      .input(f32({1}, {0}))
      .weight(i64({1}, {0}))
      .fails(ErrorCode::SHAPE_MISMATCH);
}

}  // namespace sardonyx::test
