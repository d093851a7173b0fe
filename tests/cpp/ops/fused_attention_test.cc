#include <cmath>
#include <limits>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
const std::vector<int64_t> kPlainViews{0, 1, 2, 0, 0, 1, 2, 0, 0, 1, 2, 0};

OpTest fused_attention(std::vector<int64_t> views) {
  OpTest out("FusedAttention", 1, "sardonyx");
  out.ints("views", std::move(views)).set("scale", 0.5);
  return out;
}

// What tests/cpp/engine/passes/fuse_attention_test.cc compares with the nodes it replaces is not
// repeated here.
TEST_CASE("FusedAttention without a key that is seen", "[fused_attention]") {
  const TestTensor q = random_f32({1, 1, 2, 4}, 1), k = random_f32({1, 1, 3, 4}, 2);
  const TestTensor v = random_f32({1, 1, 3, 8}, 3);
  const TestTensor mask = f32({2, 3}, {-kInf, -kInf, -kInf, -kInf, 0, -kInf});
  TestTensor y = make_tensor(DType::kFloat32, {1, 1, 2, 8});
  for (int64_t i = 0; i < 8; ++i) {
    set_element(y, i, std::numeric_limits<double>::quiet_NaN());
    set_element(y, 8 + i, element(v, 8 + i));
  }
  fused_attention(kPlainViews).input(q).input(k).input(v).input(mask).expect(y).run();
}

TEST_CASE("FusedAttention refuses what does not fit", "[fused_attention]") {
  const TestTensor q = random_f32({1, 2, 2, 4}, 1), k = random_f32({1, 2, 3, 4}, 2);
  const TestTensor v = random_f32({1, 2, 3, 8}, 3), other = random_f32({1, 2, 5, 5}, 4);
  fused_attention({0, 1, 2}).input(q).input(k).input(v).fails(ErrorCode::ATTRIBUTE_INVALID);
  fused_attention(kPlainViews).input(q).input(other).input(v).fails(ErrorCode::SHAPE_MISMATCH);
  fused_attention(kPlainViews).input(q).input(k).input(other).fails(ErrorCode::SHAPE_MISMATCH);
  fused_attention(kPlainViews)
      .set("repeat", int64_t{3})
      .input(q)
      .input(k)
      .input(v)
      .fails(ErrorCode::SHAPE_MISMATCH);
  fused_attention(kPlainViews)
      .input(q)
      .input(k)
      .input(v)
      .input(random_f32({4, 3}, 5))
      .fails(ErrorCode::SHAPE_MISMATCH);
  // An index beyond the axis that is left, and two axes that are left.
  fused_attention({0, 1, -1, 2, 0, 1, 2, 0, 0, 1, 2, 0})
      .input(q)
      .input(k)
      .input(v)
      .fails(ErrorCode::SHAPE_MISMATCH);
  fused_attention({0, -1, -1, 0, 0, 1, 2, 0, 0, 1, 2, 0})
      .input(q)
      .input(k)
      .input(v)
      .fails(ErrorCode::SHAPE_MISMATCH);
  fused_attention(kPlainViews).input(q).input(k).fails(ErrorCode::GRAPH_INPUT_MISSING);
  fused_attention(kPlainViews)
      .input(i64({1, 2, 2, 4}, std::vector<int64_t>(16, 1)))
      .input(k)
      .input(v)
      .fails(ErrorCode::DTYPE_UNSUPPORTED);
}

}  // namespace
}  // namespace sardonyx::test
