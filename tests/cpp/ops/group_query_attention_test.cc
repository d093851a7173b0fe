#include <algorithm>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/attention.h"

namespace sardonyx::test {
namespace {

using reference::heads_inside;
using reference::kHidden;

constexpr int64_t kHeads = 4, kKvHeads = 2, kSize = 8, kHalf = 3, kPositions = 20;

// A batch whose entries have `past` tokens each, of which `added` more come.
struct Batch {
  std::vector<int64_t> past;
  int64_t added = 1;
  int64_t total = 1;                // of the longest
  int64_t past_buffer = 0;          // length of past_key
  std::vector<int64_t> fresh = {};  // valid among the added, of each entry; empty: all

  int64_t size() const { return static_cast<int64_t>(past.size()); }
  int64_t old(int64_t b) const { return past[static_cast<size_t>(b)]; }
  int64_t length(int64_t b) const {
    return old(b) + (fresh.empty() ? added : fresh[static_cast<size_t>(b)]);
  }
};

struct Case {
  Batch batch;
  TestTensor q, k, v, past_key, past_value, cos, sin;  // [batch, heads, length, size]
  TestTensor last, present_key, present_value;
  reference::Attention ref;
  int64_t window = -1;

  Case(const Batch& b, bool rotates, bool interleaved = false, DType dtype = DType::kFloat32)
      : batch(b) {
    q = random_tensor(dtype, {b.size(), kHeads, b.added, kSize}, 1);
    k = random_tensor(dtype, {b.size(), kKvHeads, b.added, kSize}, 2);
    v = random_tensor(dtype, {b.size(), kKvHeads, b.added, kSize}, 3);
    past_key = random_tensor(dtype, {b.size(), kKvHeads, b.past_buffer, kSize}, 4);
    past_value = random_tensor(dtype, {b.size(), kKvHeads, b.past_buffer, kSize}, 5);
    cos = random_tensor(dtype, {kPositions, kHalf}, 6);
    sin = random_tensor(dtype, {kPositions, kHalf}, 7);
    last = make_tensor(DType::kInt32, {b.size()});
    for (int64_t i = 0; i < b.size(); ++i) {
      set_element(last, i, static_cast<double>(b.length(i) - 1));
    }
    ref.q = rotates ? turned(q, interleaved) : q;
    present_key = present(past_key, rotates ? turned(k, interleaved) : k);
    present_value = present(past_value, v);
    ref.k = present_key;
    ref.v = present_value;
    ref.bias = [this](int64_t entry, int64_t, int64_t query, int64_t key) {
      const int64_t now = batch.old(entry) + query;
      const bool seen =
          key <= now && key < batch.length(entry) && (window < 0 || key >= now - window);
      return seen ? 0.0 : kHidden;
    };
  }
  Case(const Case&) = delete;

  TestTensor turned(const TestTensor& x, bool interleaved) const {
    TestTensor y = x;
    const int64_t per_entry = x.shape[1] * x.shape[2];
    for (int64_t row = 0; row < x.size() / kSize; ++row) {
      const int64_t entry = row / per_entry;
      const int64_t now = batch.old(entry) + row % x.shape[2];
      const int64_t at = (now < batch.length(entry) ? now : 0) * kHalf;
      for (int64_t i = 0; i < kHalf; ++i) {
        const int64_t first = row * kSize + (interleaved ? 2 * i : i);
        const int64_t second = interleaved ? first + 1 : first + kHalf;
        const double a = element(x, first), b = element(x, second);
        set_element(y, first, element(cos, at + i) * a - element(sin, at + i) * b);
        set_element(y, second, element(sin, at + i) * a + element(cos, at + i) * b);
      }
    }
    return y;
  }

  TestTensor present(const TestTensor& past, const TestTensor& fresh) const {
    const int64_t capacity = std::max(batch.past_buffer, batch.total);
    TestTensor out = make_tensor(past.dtype, {batch.size(), kKvHeads, capacity, kSize});
    for (int64_t i = 0; i < out.size(); ++i) {
      const int64_t head = i / kSize / capacity, row = i / kSize % capacity, at = i % kSize;
      const int64_t old = batch.old(head / kKvHeads), added = row - old;
      double value = 0;
      if (row < old) value = element(past, (head * batch.past_buffer + row) * kSize + at);
      if (added >= 0 && added < batch.added) {
        value = element(fresh, (head * batch.added + added) * kSize + at);
      }
      set_element(out, i, value);
    }
    return out;
  }

  TestTensor packed() const {
    const TestTensor parts[] = {heads_inside(q), heads_inside(k), heads_inside(v)};
    int64_t width = 0;
    for (const TestTensor& part : parts) width += part.shape[2];
    TestTensor out = make_tensor(q.dtype, {batch.size(), batch.added, width});
    int64_t first = 0;
    for (const TestTensor& part : parts) {
      for (int64_t i = 0; i < part.size(); ++i) {
        const int64_t row = i / part.shape[2];
        set_element(out, row * width + first + i % part.shape[2], element(part, i));
      }
      first += part.shape[2];
    }
    return out;
  }

  OpTest test(bool is_packed = false) const {
    OpTest out("GroupQueryAttention", 1, "com.microsoft");
    out.set("num_heads", kHeads).set("kv_num_heads", kKvHeads).tolerance(2e-5, 2e-6);
    if (is_packed) {
      out.input(packed()).absent().absent();
    } else {
      out.input(heads_inside(q)).input(heads_inside(k)).input(heads_inside(v));
    }
    out.input(past_key).input(past_value).input(last);
    out.constant(i32({1}, {static_cast<int32_t>(batch.total)}));
    return out;
  }
  OpTest& expect(OpTest& out) const {
    return out.expect(heads_inside(ref.y)).expect(present_key).expect(present_value);
  }
};

const Batch kPrompt{.past = {0, 0}, .added = 5, .total = 5};
const Batch kPaddedPrompt{.past = {0, 0}, .added = 5, .total = 5, .fresh = {5, 2}};
const Batch kNext{.past = {6, 6}, .added = 1, .total = 7, .past_buffer = 6};
const Batch kRagged{.past = {6, 2}, .added = 1, .total = 7, .past_buffer = 10};
const Batch kSecondPrompt{.past = {4}, .added = 3, .total = 7, .past_buffer = 4};

TEST_CASE("GroupQueryAttention of prompts and tokens behind them", "[group_query_attention]") {
  for (const Batch& batch : {kPrompt, kPaddedPrompt, kNext, kRagged, kSecondPrompt}) {
    for (bool is_packed : {false, true}) {
      Case plain(batch, false);
      plain.ref.run();
      OpTest test = plain.test(is_packed);
      plain.expect(test).kernel("group_query_attention").run();
    }
    for (bool interleaved : {false, true}) {
      Case turned(batch, true, interleaved);
      turned.ref.run();
      OpTest test = turned.test(interleaved);
      test.set("do_rotary", 1).set("rotary_interleaved", interleaved ? 1 : 0);
      test.weight(turned.cos).weight(turned.sin);
      turned.expect(test).run();
    }
  }
}

TEST_CASE("GroupQueryAttention with window, soft cap, scale, bias and sinks",
          "[group_query_attention]") {
  for (const Batch& batch : {kPrompt, kRagged}) {
    Case c(batch, false);
    c.window = 2;
    c.ref.scale = 0.4;
    c.ref.softcap = 1.5;
    const TestTensor bias = random_f32({1, kHeads, batch.added, batch.total}, 8);
    const TestTensor sinks = random_f32({kHeads}, 9);
    c.ref.bias = [&c, &bias, seen = c.ref.bias](int64_t b, int64_t h, int64_t query, int64_t key) {
      if (key >= c.batch.total) return kHidden;
      return seen(b, h, query, key) +
             element(bias, (h * c.batch.added + query) * c.batch.total + key);
    };
    c.ref.sink = [&](int64_t head) { return element(sinks, head); };
    c.ref.run();
    OpTest test = c.test();
    test.set("local_window_size", 2).set("scale", 0.4).set("softcap", 1.5);
    test.absent().absent().absent().input(bias).input(sinks);
    c.expect(test).run();
  }
}

TEST_CASE("GroupQueryAttention gives probabilities", "[group_query_attention]") {
  Case c(kNext, false);
  c.ref.sink = [](int64_t) { return 0.0; };
  c.ref.run();
  OpTest test = c.test();
  test.set("smooth_softmax", 1).set("qk_output", 2);
  c.expect(test).expect(c.ref.probabilities).run();
}

TEST_CASE("GroupQueryAttention at positions of its own", "[group_query_attention]") {
  const Batch batch{.past = {3}, .added = 1, .total = 4, .past_buffer = 3};
  Case c(batch, true);
  c.ref.run();
  OpTest test = c.test();
  test.set("do_rotary", 1).weight(c.cos).weight(c.sin).input(i64({1, 1}, {3}));
  c.expect(test).run();
}

TEST_CASE("GroupQueryAttention of 16-bit floats", "[group_query_attention]") {
  Case c(kRagged, true, false, DType::kFloat16);
  c.ref.run();
  OpTest test = c.test();
  test.set("do_rotary", 1).weight(c.cos).weight(c.sin).tolerance(1e-2, 2e-3);
  c.expect(test).run();
}

TEST_CASE("GroupQueryAttention without batch entries", "[group_query_attention]") {
  for (bool is_packed : {false, true}) {
    Case c({.past = {}, .added = 2, .total = 2}, true);
    c.ref.run();
    OpTest test = c.test(is_packed);
    test.set("do_rotary", 1).weight(c.cos).weight(c.sin);
    c.expect(test).run();
  }
}

TEST_CASE("GroupQueryAttention refuses what does not fit", "[group_query_attention]") {
  const Case c(kNext, false);
  c.test().set("num_heads", 3).fails(ErrorCode::ATTRIBUTE_INVALID);
  c.test().set("kv_num_heads", 4).fails(ErrorCode::SHAPE_MISMATCH);
  c.test().set("do_rotary", 1).fails(ErrorCode::GRAPH_INPUT_MISSING);
  const TestTensor wide = random_f32({9, 5}, 1), few = random_f32({6, 4}, 1);
  c.test().set("do_rotary", 1).input(wide).input(wide).fails(ErrorCode::SHAPE_MISMATCH);
  c.test().set("do_rotary", 1).input(few).input(few).fails(ErrorCode::INDEX_RANGE);
  const auto with = [&](const TestTensor& last, int32_t total) {
    OpTest test("GroupQueryAttention", 1, "com.microsoft");
    test.set("num_heads", kHeads).set("kv_num_heads", kKvHeads);
    test.input(heads_inside(c.q)).input(heads_inside(c.k)).input(heads_inside(c.v));
    test.input(c.past_key).input(c.past_value).input(last).constant(i32({1}, {total}));
    return test;
  };
  with(i32({2}, {7, 6}), 7).fails(ErrorCode::VALUE_RANGE);
  with(i32({2}, {-1, 6}), 7).fails(ErrorCode::VALUE_RANGE);
  with(i32({2}, {6, 7}), 9).fails(ErrorCode::VALUE_RANGE);
  with(i32({2}, {6, 6}), -1).fails(ErrorCode::VALUE_RANGE);
  with(i32({3}, {6, 6, 6}), 7).fails(ErrorCode::SHAPE_MISMATCH);
}

}  // namespace
}  // namespace sardonyx::test
