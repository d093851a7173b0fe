#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

// The harness runs every combination of input and output layout.
TEST_CASE("ConvertLayout keeps the elements", "[convert_layout]") {
  for (DType dtype : {DType::kFloat32, DType::kInt64, DType::kUint8, DType::kFloat16}) {
    for (int64_t channels : {1, 2, 3, 4, 5, 7, 8}) {
      for (int64_t width : {1, 3, 4, 9}) {
        const TestTensor x = random_tensor(dtype, {2, channels, 3, width}, 1);
        for (int to : {0, 1}) {
          OpTest("ConvertLayout", 1, "sardonyx").set("to", to).input(x).expect(x).run();
        }
      }
    }
  }
  const TestTensor none = make_tensor(DType::kFloat32, {1, 0, 2, 2});
  OpTest("ConvertLayout", 1, "sardonyx").set("to", 1).input(none).expect(none).run();
}

TEST_CASE("ConvertLayout refuses unknown layouts", "[convert_layout]") {
  const TestTensor x = random_f32({1, 2, 3, 4}, 1);
  OpTest("ConvertLayout", 1, "sardonyx").set("to", 2).input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("ConvertLayout", 1, "sardonyx").input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
}

}  // namespace
}  // namespace sardonyx::test
