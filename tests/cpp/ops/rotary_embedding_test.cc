#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/attention.h"

namespace sardonyx::test {
namespace {

// x [batch, heads, length, size] turned; table rows by position(batch, index).
template <typename Position>
TestTensor turned(const TestTensor& x, const TestTensor& cos, const TestTensor& sin,
                  bool interleaved, Position position) {
  TestTensor y = x;
  const int64_t half = cos.shape[cos.shape.rank() - 1], size = x.shape[3];
  for (int64_t row = 0; row < x.size() / size; ++row) {
    const int64_t at = position(row / x.shape[2] / x.shape[1], row % x.shape[2]) * half;
    for (int64_t i = 0; i < half; ++i) {
      const int64_t first = row * size + (interleaved ? 2 * i : i);
      const int64_t second = interleaved ? first + 1 : first + half;
      const double a = element(x, first), b = element(x, second);
      const double c = element(cos, at + i), s = element(sin, at + i);
      set_element(y, first, c * a - s * b);
      set_element(y, second, s * a + c * b);
    }
  }
  return y;
}

const TestTensor kPositions = i64({2, 3}, {0, 4, 2, 9, 9, 1});
int64_t given(int64_t batch, int64_t index) {
  return kPositions.as<int64_t>()[batch * 3 + index];
}

TEST_CASE("RotaryEmbedding by positions, whole and in part", "[rotary_embedding]") {
  const TestTensor x = random_f32({2, 4, 3, 8}, 1);
  for (int64_t half : {4, 2}) {
    const TestTensor cos = random_f32({10, half}, 2), sin = random_f32({10, half}, 3);
    for (bool interleaved : {false, true}) {
      const TestTensor y = turned(x, cos, sin, interleaved, given);
      const auto test = [&](bool microsoft) {
        OpTest out("RotaryEmbedding", microsoft ? 1 : 23, microsoft ? "com.microsoft" : "");
        out.set("interleaved", interleaved ? 1 : 0).set("num_heads", 4);
        if (half == 2) out.set("rotary_embedding_dim", 4);
        return out;
      };
      test(false).input(x).weight(cos).weight(sin).input(kPositions).expect(y).run();
      test(true).input(x).input(kPositions).weight(cos).weight(sin).expect(y).run();
      test(false)
          .input(reference::heads_inside(x))
          .weight(cos)
          .weight(sin)
          .input(kPositions)
          .expect(reference::heads_inside(y))
          .run();
    }
  }
}

TEST_CASE("RotaryEmbedding without positions, and from a first one", "[rotary_embedding]") {
  const TestTensor x = random_f32({2, 4, 3, 8}, 1);
  const TestTensor cos = random_f32({2, 3, 4}, 2), sin = random_f32({2, 3, 4}, 3);
  const auto by_token = [](int64_t batch, int64_t index) { return batch * 3 + index; };
  OpTest("RotaryEmbedding", 23)
      .input(x)
      .input(cos)
      .input(sin)
      .expect(turned(x, cos, sin, false, by_token))
      .run();
  const TestTensor table_cos = random_f32({10, 4}, 2), table_sin = random_f32({10, 4}, 3);
  const auto from_5 = [](int64_t, int64_t index) { return 5 + index; };
  OpTest("RotaryEmbedding", 1, "com.microsoft")
      .input(reference::heads_inside(x))
      .input(i64({1}, {5}))
      .weight(table_cos)
      .weight(table_sin)
      .expect(reference::heads_inside(turned(x, table_cos, table_sin, false, from_5)))
      .run();
}

TEST_CASE("RotaryEmbedding of 16-bit floats", "[rotary_embedding]") {
  const TestTensor x = random_tensor(DType::kFloat16, {2, 4, 3, 8}, 1);
  const TestTensor cos = random_tensor(DType::kFloat16, {10, 4}, 2);
  const TestTensor sin = random_tensor(DType::kFloat16, {10, 4}, 3);
  OpTest("RotaryEmbedding", 23)
      .input(x)
      .weight(cos)
      .weight(sin)
      .input(kPositions)
      .tolerance(1e-2, 1e-3)
      .expect(turned(x, cos, sin, false, given))
      .run();
}

TEST_CASE("RotaryEmbedding refuses what does not fit", "[rotary_embedding]") {
  const TestTensor x = random_f32({2, 4, 3, 8}, 1), table = random_f32({4, 4}, 2);
  const auto test = [&](const TestTensor& input) {
    OpTest out("RotaryEmbedding", 23);
    out.input(input).input(table).input(table);
    return out;
  };
  test(x).input(kPositions).fails(ErrorCode::INDEX_RANGE);
  test(x).input(i64({2, 3}, {0, 0, 0, 0, 0, -1})).fails(ErrorCode::INDEX_RANGE);
  test(x).input(i64({2, 2}, {0, 0, 0, 0})).fails(ErrorCode::SHAPE_MISMATCH);
  test(x).fails(ErrorCode::SHAPE_MISMATCH);
  test(random_f32({2, 4, 3, 6}, 1)).input(kPositions).fails(ErrorCode::SHAPE_MISMATCH);
  test(random_f32({2, 3, 32}, 1))
      .set("num_heads", 5)
      .input(kPositions)
      .fails(ErrorCode::ATTRIBUTE_INVALID);
  test(random_f32({2, 3, 0}, 1))
      .set("num_heads", INT64_MAX)
      .input(kPositions)
      .fails(ErrorCode::ATTRIBUTE_INVALID);
  test(x).set("rotary_embedding_dim", 3).input(kPositions).fails(ErrorCode::ATTRIBUTE_INVALID);
  test(x).set("rotary_embedding_dim", 10).input(kPositions).fails(ErrorCode::ATTRIBUTE_INVALID);
}

}  // namespace
}  // namespace sardonyx::test
