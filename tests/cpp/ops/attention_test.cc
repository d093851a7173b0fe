#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/attention.h"

namespace sardonyx::test {
namespace {

using reference::kHidden;

struct Sizes {
  int64_t batch, heads, kv_heads, queries, keys, size, v_size;
};
// Single queries, blocks with a rest, more keys than a tile, values narrower than a panel.
const Sizes kSizes[] = {{1, 1, 1, 1, 1, 1, 1},    {2, 3, 3, 4, 6, 8, 8},   {2, 6, 3, 5, 7, 9, 10},
                        {1, 2, 1, 1, 200, 16, 8}, {1, 4, 2, 50, 97, 8, 3}, {2, 2, 2, 3, 193, 5, 12},
                        {1, 8, 2, 13, 13, 4, 20}};

reference::Attention random_attention(const Sizes& s, DType dtype = DType::kFloat32) {
  reference::Attention out;
  out.q = random_tensor(dtype, {s.batch, s.heads, s.queries, s.size}, 1);
  out.k = random_tensor(dtype, {s.batch, s.kv_heads, s.keys, s.size}, 2);
  out.v = random_tensor(dtype, {s.batch, s.kv_heads, s.keys, s.v_size}, 3);
  return out;
}

OpTest attention(int opset = 24) {
  OpTest test("Attention", opset);
  test.tolerance(2e-5, 2e-6);
  return test;
}

auto causal(int64_t offset) {
  return [=](int64_t, int64_t, int64_t query, int64_t key) {
    return key <= query + offset ? 0.0 : kHidden;
  };
}

TEST_CASE("Attention over heads and groups of heads", "[attention]") {
  for (const Sizes& s : kSizes) {
    auto ref = random_attention(s).run();
    attention(23).input(ref.q).input(ref.k).input(ref.v).expect(ref.y).kernel("attention").run();
    attention()
        .set("q_num_heads", s.heads)
        .set("kv_num_heads", s.kv_heads)
        .input(reference::heads_inside(ref.q))
        .input(reference::heads_inside(ref.k))
        .input(reference::heads_inside(ref.v))
        .expect(reference::heads_inside(ref.y))
        .run();
  }
}

TEST_CASE("Attention is causal, with a scale and a soft cap", "[attention]") {
  for (const Sizes& s : kSizes) {
    auto ref = random_attention(s);
    ref.scale = 0.7;
    ref.softcap = 1.5;
    ref.bias = causal(0);
    ref.run();
    attention()
        .set("is_causal", 1)
        .set("scale", 0.7)
        .set("softcap", 1.5)
        .input(ref.q)
        .input(ref.k)
        .input(ref.v)
        .expect(ref.y)
        .run();
  }
}

TEST_CASE("Attention masks broadcast, and may be shorter than the keys", "[attention]") {
  const Sizes s{2, 4, 2, 5, 7, 4, 6};
  for (const Shape& shape : {Shape{5, 7}, Shape{1, 7}, Shape{7}, Shape{4, 5, 7}, Shape{2, 1, 5, 7},
                             Shape{2, 4, 5, 7}, Shape{5, 4}, Shape{2, 4, 1, 3}, Shape{5, 0}}) {
    for (DType dtype : {DType::kFloat32, DType::kBool}) {
      const TestTensor mask = random_tensor(dtype, shape, 7);
      auto ref = random_attention(s);
      ref.bias = [&](int64_t b, int64_t h, int64_t query, int64_t key) {
        const int64_t at[] = {b, h, query, key};
        int64_t index = 0;
        for (int axis = 0; axis < shape.rank(); ++axis) {
          const int64_t i = at[4 - shape.rank() + axis];
          if (axis == shape.rank() - 1 && i >= shape[axis]) return kHidden;
          index = index * shape[axis] + (shape[axis] == 1 ? 0 : i);
        }
        const double value = element(mask, index);
        return dtype == DType::kFloat32 ? value : value != 0 ? 0 : kHidden;
      };
      ref.run();
      attention().input(ref.q).input(ref.k).input(ref.v).input(mask).expect(ref.y).run();
    }
  }
}

TEST_CASE("Attention puts keys and values behind those of the past", "[attention]") {
  for (int64_t past : {0, 3, 100}) {
    const Sizes s{2, 4, 2, 3, 3, 8, 9};
    auto ref = random_attention(s);
    const TestTensor past_key = random_f32({2, 2, past, 8}, 5);
    const TestTensor past_value = random_f32({2, 2, past, 9}, 6);
    const TestTensor k = ref.k, v = ref.v;
    ref.k = reference::behind(past_key, k);
    ref.v = reference::behind(past_value, v);
    ref.bias = causal(past);
    ref.run();
    for (bool wanted : {true, false}) {
      OpTest test = attention();
      test.set("is_causal", 1).input(ref.q).input(k).input(v).absent();
      test.input(past_key).input(past_value).expect(ref.y);
      if (wanted) test.expect(ref.k).expect(ref.v);
      test.run();
    }
  }
}

TEST_CASE("Attention gives the scores at each stage", "[attention]") {
  const Sizes s{2, 2, 1, 3, 130, 8, 9};
  const TestTensor mask = random_f32({3, 130}, 4);
  for (int mode = 0; mode < 4; ++mode) {
    auto ref = random_attention(s);
    ref.softcap = 2;
    ref.bias = [&](int64_t, int64_t, int64_t query, int64_t key) {
      return key <= query ? element(mask, query * 130 + key) : kHidden;
    };
    ref.run();
    const TestTensor* stages[] = {&ref.products, &ref.capped, &ref.masked, &ref.probabilities};
    attention()
        .set("qk_matmul_output_mode", mode)
        .set("softcap", 2.0)
        .set("is_causal", 1)
        .input(ref.q)
        .input(ref.k)
        .input(ref.v)
        .input(mask)
        .expect(ref.y)
        .expect_absent()
        .expect_absent()
        .expect(*stages[mode])
        .run();
  }
}

TEST_CASE("Attention counts only the valid keys of a batch entry", "[attention]") {
  const int64_t lengths[] = {6, 2, 0};
  for (bool is_causal : {false, true}) {
    auto ref = random_attention({3, 2, 2, 4, 6, 4, 4});
    ref.bias = [&](int64_t b, int64_t, int64_t query, int64_t key) {
      if (key >= lengths[b]) return kHidden;
      return is_causal && key > query + lengths[b] - 4 ? kHidden : 0.0;
    };
    ref.run();
    OpTest test = attention();
    test.set("is_causal", is_causal ? 1 : 0).input(ref.q).input(ref.k).input(ref.v);
    test.absent().absent().absent().input(i64({3}, {6, 2, 0})).expect(ref.y).run();
  }
}

TEST_CASE("Attention of 16-bit floats", "[attention]") {
  for (DType dtype : {DType::kFloat16, DType::kBfloat16}) {
    auto ref = random_attention({1, 4, 2, 5, 7, 8, 9}, dtype).run();
    attention().input(ref.q).input(ref.k).input(ref.v).tolerance(1e-2, 1e-3).expect(ref.y).run();
  }
}

TEST_CASE("Attention without queries or keys", "[attention]") {
  for (const Sizes& s :
       {Sizes{2, 2, 2, 0, 3, 4, 5}, Sizes{2, 2, 2, 3, 0, 4, 5}, Sizes{0, 2, 2, 3, 3, 4, 5}}) {
    auto ref = random_attention(s).run();
    attention().input(ref.q).input(ref.k).input(ref.v).expect(ref.y).run();
  }
}

TEST_CASE("Attention refuses what does not fit", "[attention]") {
  const TestTensor q = random_f32({1, 2, 3, 4}, 1);
  const auto fails = [&](const Shape& k, const Shape& v, ErrorCode code) {
    attention().input(q).input(random_f32(k, 2)).input(random_f32(v, 3)).fails(code);
  };
  fails({1, 2, 5, 3}, {1, 2, 5, 4}, ErrorCode::SHAPE_MISMATCH);
  fails({1, 2, 5, 4}, {1, 2, 6, 4}, ErrorCode::SHAPE_MISMATCH);
  fails({2, 2, 5, 4}, {2, 2, 5, 4}, ErrorCode::SHAPE_MISMATCH);
  fails({1, 3, 5, 4}, {1, 3, 5, 4}, ErrorCode::SHAPE_MISMATCH);
  fails({1, 0, 5, 4}, {1, 0, 5, 4}, ErrorCode::SHAPE_MISMATCH);
  fails({1, 5, 8}, {1, 5, 8}, ErrorCode::SHAPE_MISMATCH);
  const TestTensor flat = random_f32({1, 3, 8}, 1);
  attention().input(flat).input(flat).input(flat).fails(ErrorCode::ATTRIBUTE_INVALID);
  attention()
      .set("q_num_heads", 3)
      .set("kv_num_heads", 2)
      .input(flat)
      .input(flat)
      .input(flat)
      .fails(ErrorCode::SHAPE_MISMATCH);
  attention()
      .input(q)
      .input(q)
      .input(q)
      .input(random_f32({2, 3}, 1))
      .fails(ErrorCode::SHAPE_MISMATCH);
  attention().input(q).input(q).input(q).absent().input(q).fails(ErrorCode::GRAPH_INPUT_MISSING);
  attention()
      .set("qk_matmul_output_mode", 4)
      .input(q)
      .input(q)
      .input(q)
      .fails(ErrorCode::ATTRIBUTE_INVALID);
  attention()
      .input(q)
      .input(q)
      .input(q)
      .absent()
      .absent()
      .absent()
      .input(i64({1}, {4}))
      .fails(ErrorCode::VALUE_RANGE);
}

}  // namespace
}  // namespace sardonyx::test
