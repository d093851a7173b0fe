#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/attention.h"

namespace sardonyx::test {
namespace {

using reference::heads_inside;
using reference::kHidden;

constexpr int64_t kBatch = 2, kHeads = 3, kQueries = 4, kKeys = 5, kSize = 8, kValueSize = 6;

OpTest attention() {
  OpTest test("MultiHeadAttention", 1, "com.microsoft");
  test.set("num_heads", kHeads).tolerance(2e-5, 2e-6);
  return test;
}

reference::Attention cross_attention(DType dtype = DType::kFloat32) {
  reference::Attention out;
  out.q = random_tensor(dtype, {kBatch, kHeads, kQueries, kSize}, 1);
  out.k = random_tensor(dtype, {kBatch, kHeads, kKeys, kSize}, 2);
  out.v = random_tensor(dtype, {kBatch, kHeads, kKeys, kValueSize}, 3);
  return out;
}

// Parts [batch, heads, length, size] as [batch, length, heads, parts, size].
TestTensor packed(const std::vector<TestTensor>& parts) {
  const Shape& shape = parts[0].shape;
  const int64_t count = static_cast<int64_t>(parts.size());
  const int64_t heads = shape[1], length = shape[2], size = shape[3];
  TestTensor out = make_tensor(parts[0].dtype, {shape[0], length, heads, count, size});
  for (int64_t i = 0; i < out.size(); ++i) {
    const int64_t part = i / size % count, head = i / size / count % heads;
    const int64_t token = i / size / count / heads;
    const int64_t row = (token / length * heads + head) * length + token % length;
    set_element(out, i, element(parts[static_cast<size_t>(part)], row * size + i % size));
  }
  return out;
}

// x [batch, heads, length, size] plus bias[offset + head * size + i].
TestTensor plus_bias(const TestTensor& x, const TestTensor& bias, int64_t offset) {
  TestTensor out = x;
  const int64_t size = x.shape[3];
  for (int64_t i = 0; i < x.size(); ++i) {
    const int64_t head = i / size / x.shape[2] % x.shape[1];
    set_element(out, i, element(x, i) + element(bias, offset + head * size + i % size));
  }
  return out;
}

TEST_CASE("MultiHeadAttention takes keys and values in each form", "[multi_head_attention]") {
  auto ref = cross_attention().run();
  const TestTensor query = heads_inside(ref.q), y = heads_inside(ref.y);
  attention().input(query).input(heads_inside(ref.k)).input(heads_inside(ref.v)).expect(y).run();
  attention().input(query).input(ref.k).input(ref.v).expect(y).run();
  ref.v = random_f32({kBatch, kHeads, kKeys, kSize}, 4);
  ref.run();
  attention().input(query).input(packed({ref.k, ref.v})).expect(heads_inside(ref.y)).run();
  ref.q = random_f32({kBatch, kHeads, kKeys, kSize}, 5);
  ref.scale = 0.3;
  ref.run();
  attention()
      .set("scale", 0.3)
      .input(packed({ref.q, ref.k, ref.v}))
      .expect(heads_inside(ref.y))
      .run();
}

TEST_CASE("MultiHeadAttention adds the bias of the projections", "[multi_head_attention]") {
  const TestTensor bias = random_f32({kHeads * (2 * kSize + kValueSize)}, 9);
  auto ref = cross_attention();
  const TestTensor q = ref.q, k = ref.k, v = ref.v;
  ref.q = plus_bias(q, bias, 0);
  ref.k = plus_bias(k, bias, kHeads * kSize);
  ref.v = plus_bias(v, bias, 2 * kHeads * kSize);
  ref.run();
  attention()
      .input(heads_inside(q))
      .input(heads_inside(k))
      .input(heads_inside(v))
      .weight(bias)
      .expect(heads_inside(ref.y))
      .run();
  // Whole keys have theirs already.
  ref.k = k;
  ref.v = v;
  ref.run();
  attention()
      .input(heads_inside(q))
      .input(k)
      .input(v)
      .weight(bias)
      .expect(heads_inside(ref.y))
      .run();
}

TEST_CASE("MultiHeadAttention hides padding and adds to scores", "[multi_head_attention]") {
  const TestTensor lengths = i32({kBatch}, {2, 5});
  const TestTensor keys = random_tensor(DType::kInt32, {kBatch, kKeys}, 7, 0, 1);
  const TestTensor each = random_tensor(DType::kInt32, {kBatch, kQueries, kKeys}, 8, 0, 1);
  const TestTensor added = random_f32({1, kHeads, kQueries, kKeys}, 9);
  for (const TestTensor* padding : {&lengths, &keys, &each}) {
    auto ref = cross_attention();
    ref.bias = [&](int64_t b, int64_t h, int64_t query, int64_t key) {
      const double bias = element(added, (h * kQueries + query) * kKeys + key);
      if (padding == &lengths) return key < element(lengths, b) ? bias : kHidden;
      const int64_t at = padding == &keys ? b * kKeys + key : (b * kQueries + query) * kKeys + key;
      return bias + (element(*padding, at) != 0 ? 0 : -50);
    };
    ref.run();
    attention()
        .set("mask_filter_value", -50.0)
        .input(heads_inside(ref.q))
        .input(heads_inside(ref.k))
        .input(heads_inside(ref.v))
        .absent()
        .input(*padding)
        .input(added)
        .expect(heads_inside(ref.y))
        .run();
  }
}

TEST_CASE("MultiHeadAttention is causal behind the past", "[multi_head_attention]") {
  auto ref = cross_attention();
  const TestTensor past_key = random_f32({kBatch, kHeads, 3, kSize}, 5);
  const TestTensor past_value = random_f32({kBatch, kHeads, 3, kValueSize}, 6);
  const TestTensor k = heads_inside(ref.k), v = heads_inside(ref.v);
  ref.k = reference::behind(past_key, ref.k);
  ref.v = reference::behind(past_value, ref.v);
  ref.bias = [](int64_t, int64_t, int64_t query, int64_t key) {
    return key <= query + 3 ? 0.0 : kHidden;
  };
  ref.run();
  OpTest test = attention();
  test.set("unidirectional", 1).input(heads_inside(ref.q)).input(k).input(v);
  test.absent().absent().absent().input(past_key).input(past_value);
  test.expect(heads_inside(ref.y)).expect(ref.k).expect(ref.v).expect(ref.masked).run();
}

TEST_CASE("MultiHeadAttention of 16-bit floats", "[multi_head_attention]") {
  auto ref = cross_attention(DType::kFloat16).run();
  attention()
      .input(heads_inside(ref.q))
      .input(heads_inside(ref.k))
      .input(heads_inside(ref.v))
      .tolerance(1e-2, 1e-3)
      .expect(heads_inside(ref.y))
      .run();
}

TEST_CASE("MultiHeadAttention without tokens", "[multi_head_attention]") {
  attention()
      .input(random_f32({2, 0, kHeads, 3, kSize}, 1))
      .expect(random_f32({2, 0, kHeads * kSize}, 1))
      .run();
}

TEST_CASE("MultiHeadAttention refuses what does not fit", "[multi_head_attention]") {
  const TestTensor query = random_f32({2, 4, 24}, 1), key = random_f32({2, 5, 24}, 2);
  const auto test = [&](const TestTensor& k, const TestTensor& v) {
    OpTest out = attention();
    out.input(query).input(k).input(v);
    return out;
  };
  test(key, random_f32({2, 6, 24}, 3)).fails(ErrorCode::SHAPE_MISMATCH);
  test(key, random_f32({2, 5, 25}, 3)).fails(ErrorCode::SHAPE_MISMATCH);
  test(random_f32({2, 5, 21}, 3), key).fails(ErrorCode::SHAPE_MISMATCH);
  test(key, key).set("num_heads", 0).fails(ErrorCode::ATTRIBUTE_INVALID);
  test(key, key).set("num_heads", 5).fails(ErrorCode::SHAPE_MISMATCH);
  test(key, key).input(random_f32({71}, 3)).fails(ErrorCode::SHAPE_MISMATCH);
  test(key, key)
      .absent()
      .input(i32({8}, {0, 0, 0, 0, 0, 0, 0, 0}))
      .fails(ErrorCode::SHAPE_MISMATCH);
  test(key, key).absent().absent().input(random_f32({3, 3}, 1)).fails(ErrorCode::SHAPE_MISMATCH);
  const TestTensor past = random_f32({2, 3, 1, 8}, 4);
  test(key, key).absent().absent().absent().input(past).fails(ErrorCode::GRAPH_INPUT_MISSING);
  attention().input(query).fails(ErrorCode::SHAPE_MISMATCH);
  attention().input(random_f32({2, 4, 3, 2, 8}, 1)).fails(ErrorCode::SHAPE_MISMATCH);
}

}  // namespace
}  // namespace sardonyx::test
