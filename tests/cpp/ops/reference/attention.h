// softmax(scale * Q * K^T + bias) * V in double, one score after the other.
#pragma once

#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test::reference {

inline constexpr double kHidden = -std::numeric_limits<double>::infinity();

// All tensors are [batch, heads, length, size]; heads of k and v may be fewer than those of q.
struct Attention {
  TestTensor q, k, v;
  double scale = 0;  // 0: 1 / sqrt(head size)
  double softcap = 0;
  // What is added to a score; kHidden hides the key.
  std::function<double(int64_t batch, int64_t head, int64_t query, int64_t key)> bias;
  // A score beside those of the keys.
  std::function<double(int64_t head)> sink;

  // Results.
  TestTensor y, products, capped, masked, probabilities;

  Attention& run() {
    const int64_t batch = q.shape[0], heads = q.shape[1], queries = q.shape[2], size = q.shape[3];
    const int64_t group = heads / k.shape[1], keys = k.shape[2], v_size = v.shape[3];
    y = make_tensor(q.dtype, {batch, heads, queries, v_size});
    for (TestTensor* out : {&products, &capped, &masked, &probabilities}) {
      *out = make_tensor(q.dtype, {batch, heads, queries, keys});
    }
    if (scale == 0) scale = 1 / std::sqrt(static_cast<double>(size));
    for (int64_t row = 0; row < batch * heads * queries; ++row) {
      const int64_t b = row / queries / heads, h = row / queries % heads;
      const int64_t kv = b * k.shape[1] + h / group;
      std::vector<double> scores(static_cast<size_t>(keys));
      double max = kHidden, sum = 0;
      for (int64_t key = 0; key < keys; ++key) {
        double score = 0;
        for (int64_t i = 0; i < size; ++i) {
          score += element(q, row * size + i) * element(k, (kv * keys + key) * size + i);
        }
        score *= scale;
        set_element(products, row * keys + key, score);
        if (softcap > 0) score = softcap * std::tanh(score / softcap);
        set_element(capped, row * keys + key, score);
        if (bias) score += bias(b, h, row % queries, key);
        set_element(masked, row * keys + key, score);
        scores[static_cast<size_t>(key)] = score;
        max = std::fmax(max, score);
      }
      if (sink) max = std::fmax(max, sink(h));
      if (sink) sum += std::exp(sink(h) - max);
      for (double& score : scores) {
        score = score == kHidden ? 0 : std::exp(score - max);
        sum += score;
      }
      for (double& score : scores) score = sum > 0 ? score / sum : 0;
      for (int64_t key = 0; key < keys; ++key) {
        set_element(probabilities, row * keys + key, scores[static_cast<size_t>(key)]);
      }
      for (int64_t i = 0; i < v_size; ++i) {
        double out = 0;
        for (int64_t key = 0; key < keys; ++key) {
          out += scores[static_cast<size_t>(key)] * element(v, (kv * keys + key) * v_size + i);
        }
        set_element(y, row * v_size + i, out);
      }
    }
    return *this;
  }
};

// [batch, heads, length, size] to [batch, length, heads * size].
inline TestTensor heads_inside(const TestTensor& x) {
  const int64_t batch = x.shape[0], heads = x.shape[1], length = x.shape[2], size = x.shape[3];
  TestTensor out = make_tensor(x.dtype, {batch, length, heads * size});
  for (int64_t i = 0; i < x.size(); ++i) {
    const int64_t b = i / (heads * length * size), h = i / (length * size) % heads;
    const int64_t row = i / size % length;
    set_element(out, ((b * length + row) * heads + h) * size + i % size, element(x, i));
  }
  return out;
}

// `fresh` behind `past` along axis 2.
inline TestTensor behind(const TestTensor& past, const TestTensor& fresh) {
  const int64_t outer = past.shape.product(0, 2), size = past.shape[3];
  const int64_t old = past.shape[2] * size, added = fresh.shape[2] * size;
  TestTensor out =
      make_tensor(past.dtype, {past.shape[0], past.shape[1], past.shape[2] + fresh.shape[2], size});
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < old + added; ++i) {
      set_element(out, o * (old + added) + i,
                  i < old ? element(past, o * old + i) : element(fresh, o * added + i - old));
    }
  }
  return out;
}

}  // namespace sardonyx::test::reference
