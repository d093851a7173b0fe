#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

struct Case {
  const char* type;
  double a[3];
};
const Case kCases[] = {{"HannWindow", {0.5, 0.5, 0}},
                       {"HammingWindow", {0.54347826, 0.45652174, 0}},
                       {"BlackmanWindow", {0.42, 0.5, 0.08}}};

}  // namespace

TEST_CASE("windows of cosines, periodic and symmetric", "[cosine_window]") {
  for (const Case& c : kCases) {
    for (int64_t size : {0, 1, 2, 9, 16}) {
      for (int periodic : {0, 1}) {
        for (DType dtype : {DType::kFloat32, DType::kFloat64}) {
          TestTensor y = make_tensor(dtype, {size});
          for (int64_t i = 0; i < size; ++i) {
            const auto length = static_cast<double>(periodic || size == 1 ? size : size - 1);
            const double angle = 2 * M_PI * static_cast<double>(i) / length;
            set_element(y, i, c.a[0] - c.a[1] * std::cos(angle) + c.a[2] * std::cos(2 * angle));
          }
          OpTest(c.type, 17)
              .set("periodic", periodic)
              .set("output_datatype", static_cast<int>(dtype))
              .weight(scalar<int64_t>(size))
              .expect(y)
              .run();
        }
      }
    }
  }
}

TEST_CASE("windows refuse sizes and dtypes", "[cosine_window]") {
  OpTest("HannWindow", 17).weight(scalar<int64_t>(-1)).fails(ErrorCode::VALUE_RANGE);
  OpTest("HannWindow", 17).weight(scalar(3.0f)).fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("HannWindow", 17)
      .set("output_datatype", static_cast<int>(DType::kString))
      .weight(scalar<int64_t>(1))
      .fails(ErrorCode::DTYPE_UNSUPPORTED);
}

}  // namespace sardonyx::test
