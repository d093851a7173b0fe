#include <cmath>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

constexpr int64_t kBatch = 2, kTokens = 3, kHeads = 2, kKeySize = 4, kValueSize = 5;

struct Case {
  const char* rule = "linear";
  int64_t q_heads = kHeads;
  TestTensor q, k, v, past, decay, beta, erase;
  TestTensor y, state;
  double scale = 0.5;
};

// Element (batch, token, i).
double at(const TestTensor& x, int64_t batch, int64_t token, int64_t i) {
  return element(x, (batch * kTokens + token) * x.shape[2] + i);
}

void compute(Case& c) {
  c.y = make_tensor(c.q.dtype, {kBatch, kTokens, c.q_heads * kValueSize});
  c.state = make_tensor(c.q.dtype, {kBatch, kHeads, kKeySize, kValueSize});
  const bool gated = c.decay.dtype != DType::kUndefined;
  const bool delta = c.beta.dtype != DType::kUndefined;
  for (int64_t n = 0; n < kBatch * kHeads; ++n) {
    const int64_t b = n / kHeads, h = n % kHeads;
    std::vector<double> state(kKeySize * kValueSize);
    for (int64_t i = 0; i < kKeySize * kValueSize; ++i) {
      state[static_cast<size_t>(i)] = element(c.past, n * kKeySize * kValueSize + i);
    }
    const auto cell = [&](int64_t i, int64_t j) -> double& {
      return state[static_cast<size_t>(i * kValueSize + j)];
    };
    for (int64_t t = 0; t < kTokens; ++t) {
      for (int64_t i = 0; i < kKeySize && gated; ++i) {
        const bool per_head = c.decay.shape[2] == kHeads;
        const double fade = std::exp(at(c.decay, b, t, per_head ? h : h * kKeySize + i));
        for (int64_t j = 0; j < kValueSize; ++j) cell(i, j) *= fade;
      }
      std::vector<double> change;
      for (int64_t j = 0; j < kValueSize; ++j) {
        double known = 0;
        for (int64_t i = 0; i < kKeySize; ++i) {
          const bool erase = c.erase.dtype != DType::kUndefined;
          known += cell(i, j) * at(c.k, b, t, h * kKeySize + i) *
                   (erase ? at(c.erase, b, t, h * kKeySize + i) : 1);
        }
        const double value = at(c.v, b, t, h * kValueSize + j);
        change.push_back(delta ? at(c.beta, b, t, c.beta.shape[2] == 1 ? 0 : h) * (value - known)
                               : value);
      }
      for (int64_t i = 0; i < kKeySize; ++i) {
        for (int64_t j = 0; j < kValueSize; ++j) {
          cell(i, j) += at(c.k, b, t, h * kKeySize + i) * change[static_cast<size_t>(j)];
        }
      }
      const int64_t group = c.q_heads / kHeads;
      for (int64_t g = h * group; g < (h + 1) * group; ++g) {
        for (int64_t j = 0; j < kValueSize; ++j) {
          double sum = 0;
          for (int64_t i = 0; i < kKeySize; ++i) {
            sum += at(c.q, b, t, g * kKeySize + i) * cell(i, j);
          }
          set_element(c.y, ((b * kTokens + t) * c.q_heads + g) * kValueSize + j, c.scale * sum);
        }
      }
    }
    for (int64_t i = 0; i < kKeySize * kValueSize; ++i) {
      set_element(c.state, n * kKeySize * kValueSize + i, state[static_cast<size_t>(i)]);
    }
  }
}

Case make_case(const char* rule, int64_t q_heads, DType dtype = DType::kFloat32) {
  Case c;
  c.rule = rule;
  c.q_heads = q_heads;
  c.q = random_tensor(dtype, {kBatch, kTokens, q_heads * kKeySize}, 1, -1, 1);
  c.k = random_tensor(dtype, {kBatch, kTokens, kHeads * kKeySize}, 2, -0.5, 0.5);
  c.v = random_tensor(dtype, {kBatch, kTokens, kHeads * kValueSize}, 3, -1, 1);
  c.past = random_tensor(dtype, {kBatch, kHeads, kKeySize, kValueSize}, 4, -1, 1);
  return c;
}

OpTest test_of(const Case& c) {
  OpTest test("LinearAttention", 27);
  test.set("update_rule", c.rule).set("q_num_heads", c.q_heads).set("kv_num_heads", kHeads);
  test.input(c.q).input(c.k).input(c.v).input(c.past);
  for (const TestTensor* optional : {&c.decay, &c.beta, &c.erase}) {
    if (optional->dtype == DType::kUndefined) {
      test.absent();
    } else {
      test.input(*optional);
    }
  }
  return test;
}

TEST_CASE("LinearAttention by each rule, heads alone and in groups", "[linear_attention]") {
  for (int64_t q_heads : {kHeads, 3 * kHeads}) {
    for (const char* rule : {"linear", "gated", "delta", "gated_delta"}) {
      const std::string name = rule;
      for (bool wide : {false, true}) {
        Case c = make_case(rule, q_heads);
        if (name.rfind("gated", 0) == 0) {
          c.decay = random_f32({kBatch, kTokens, wide ? kHeads * kKeySize : kHeads}, 5, -1, 0);
        }
        if (name.find("delta") != std::string::npos) {
          c.beta = random_f32({kBatch, kTokens, wide ? kHeads : 1}, 6, 0, 1);
          if (wide) c.erase = random_f32({kBatch, kTokens, kHeads * kKeySize}, 7, 0, 1);
        }
        compute(c);
        test_of(c).expect(c.y).expect(c.state).run();
        test_of(c).expect(c.y).run();
      }
    }
  }
}

TEST_CASE("LinearAttention of 16-bit floats begins with zeros", "[linear_attention]") {
  Case c = make_case("linear", kHeads, DType::kFloat16);
  for (uint8_t& byte : c.past.bytes) byte = 0;
  c.scale = 2;
  compute(c);
  OpTest("LinearAttention", 27)
      .set("update_rule", "linear")
      .set("q_num_heads", kHeads)
      .set("kv_num_heads", kHeads)
      .set("scale", 2.0)
      .input(c.q)
      .input(c.k)
      .input(c.v)
      .tolerance(1e-2, 1e-3)
      .expect(c.y)
      .expect(c.state)
      .run();
}

TEST_CASE("LinearAttention without tokens gives the state back", "[linear_attention]") {
  const TestTensor past = random_f32({2, 2, 4, 5}, 1);
  OpTest("LinearAttention", 27)
      .set("update_rule", "linear")
      .set("q_num_heads", 2)
      .set("kv_num_heads", 2)
      .input(random_f32({2, 0, 8}, 1))
      .input(random_f32({2, 0, 8}, 1))
      .input(random_f32({2, 0, 10}, 1))
      .input(past)
      .expect(random_f32({2, 0, 10}, 1))
      .expect(past)
      .run();
}

TEST_CASE("LinearAttention refuses what does not fit", "[linear_attention]") {
  const Case plain = make_case("linear", kHeads);
  test_of(plain).set("update_rule", "round").fails(ErrorCode::ATTRIBUTE_INVALID);
  test_of(plain).set("update_rule", "delta").fails(ErrorCode::ATTRIBUTE_INVALID);
  test_of(plain).set("q_num_heads", 3).fails(ErrorCode::ATTRIBUTE_INVALID);
  test_of(plain).set("kv_num_heads", 0).fails(ErrorCode::ATTRIBUTE_INVALID);
  test_of(plain).set("q_num_heads", INT64_MAX - 1).fails(ErrorCode::ATTRIBUTE_INVALID);
  Case c = make_case("gated", kHeads);
  c.decay = random_f32({kBatch, kTokens, 3}, 5);
  test_of(c).fails(ErrorCode::SHAPE_MISMATCH);
  c = make_case("linear", kHeads);
  c.past = random_f32({kBatch, kHeads, kValueSize, kKeySize}, 5);
  test_of(c).fails(ErrorCode::SHAPE_MISMATCH);
  c = make_case("linear", kHeads);
  c.k = random_f32({kBatch, kTokens, kHeads * kKeySize + 1}, 5);
  test_of(c).fails(ErrorCode::SHAPE_MISMATCH);
}

}  // namespace
}  // namespace sardonyx::test
