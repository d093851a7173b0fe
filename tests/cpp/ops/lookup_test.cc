#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/quantized.h"

namespace sardonyx::test {
namespace {

using reference::random_codes;

TEST_CASE("Lookup indexes its table with the bits of x", "[lookup]") {
  for (DType from : {DType::kUint8, DType::kInt8}) {
    for (DType to : {DType::kUint8, DType::kInt8}) {
      const TestTensor table = random_codes(to, {256}, 1);
      for (const Shape& shape : {Shape{}, Shape{0}, Shape{37}, Shape{2, 5, 3, 3}}) {
        const TestTensor x = random_codes(from, shape, 2);
        TestTensor y = make_tensor(to, shape);
        for (int64_t i = 0; i < x.size(); ++i) {
          const auto at = static_cast<size_t>(i);
          y.bytes[at] = table.bytes[x.bytes[at]];
        }
        OpTest("Lookup", 1, "sardonyx").input(x).weight(table).expect(y).run();
      }
    }
  }
}

TEST_CASE("Lookup refuses other tables", "[lookup]") {
  const TestTensor x = random_codes(DType::kUint8, {3}, 2);
  OpTest("Lookup", 1, "sardonyx")
      .input(x)
      .constant(random_codes(DType::kUint8, {255}, 1))
      .fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("Lookup", 1, "sardonyx")
      .input(x)
      .constant(random_f32({256}, 1))
      .fails(ErrorCode::DTYPE_UNSUPPORTED);
}

}  // namespace
}  // namespace sardonyx::test
