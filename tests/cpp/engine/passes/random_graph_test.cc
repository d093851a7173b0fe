// Graphs made up by chance: what they compile to against their interpretation.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include "tests/cpp/engine/graph_builder.h"
#include "tests/cpp/engine/graph_run.h"

namespace sardonyx::test {
namespace {

constexpr int64_t kHeight = 5;
constexpr int64_t kWidth = 6;

// Grows a graph of [1, C, 5, 6] tensors node by node.
class RandomGraph {
 public:
  explicit RandomGraph(uint32_t seed) : state_(seed * 2654435761u + 1) {
    for (const char* name : {"x", "y"}) {
      const int64_t channels = pick(9) + 1;
      add(g_.input(name, {1, channels, kHeight, kWidth}), channels);
    }
  }

  std::unique_ptr<Graph> build(int nodes) {
    for (int i = 0; i < nodes; ++i) grow();
    // The last value and some from the middle.
    for (size_t i = 2; i + 1 < values_.size(); i += 5) g_.output(values_[i].id);
    g_.output(values_.back().id);
    return g_.finish();
  }

 private:
  struct Entry {
    ValueId id;
    int64_t channels;
  };

  int64_t pick(int64_t count) {
    state_ = state_ * 1664525u + 1013904223u;
    return (state_ >> 8) % count;
  }
  void add(ValueId id, int64_t channels) { values_.push_back({id, channels}); }
  // Recent values more often.
  Entry any() {
    const auto count = static_cast<int64_t>(values_.size());
    const int64_t back = pick(2) == 0 ? pick(count) : pick(std::min<int64_t>(count, 3));
    return values_[static_cast<size_t>(count - 1 - back)];
  }

  void grow() {
    const Entry x = any();
    switch (pick(12)) {
      case 0:
        return unary(x);
      case 1:
        return binary(x, x.id);
      case 2:
      case 3:
        return binary(x, partner(x));
      case 4:
        return binary(x, g_.random({x.channels, 1, 1}, 0.5f, 1.5f));
      case 5:
      case 6:
        return conv(x);
      case 7:
        return batch_norm(x);
      case 8:
        return concat(x);
      case 9:
        return there_and_back(x);
      case 10:
        return slice(x);
      default:
        return gated(x);
    }
  }

  void unary(Entry x) {
    const char* types[] = {"Relu", "Neg", "Sigmoid", "Tanh", "Identity", "Dropout", "HardSwish"};
    add(g_.node(types[pick(7)], {x.id}), x.channels);
  }

  // Another value with as many channels; x itself when there is none.
  ValueId partner(Entry x) {
    for (int i = 0; i < 8; ++i) {
      const Entry other = any();
      if (other.channels == x.channels && other.id != x.id) return other.id;
    }
    return x.id;
  }

  void binary(Entry x, ValueId other) {
    const char* types[] = {"Add", "Mul", "Sub", "Max"};
    const bool swapped = pick(2) == 0;
    const ValueId y =
        g_.node(types[pick(4)], swapped ? std::vector{other, x.id} : std::vector{x.id, other});
    // Keeps numbers small over many products.
    add(pick(2) == 0 ? g_.node("Tanh", {y}) : y, x.channels);
  }

  void conv(Entry x) {
    const int64_t channels = pick(12) + 1;
    const int64_t size = pick(2) * 2 + 1;
    const int64_t pad = size / 2;
    const float range = 1.0f / static_cast<float>(x.channels * size);
    add(g_.node("Conv", {x.id, g_.random({channels, x.channels, size, size}, -range, range)},
                {{"pads", ints({pad, pad, pad, pad})}}),
        channels);
  }

  void batch_norm(Entry x) {
    const Shape shape{x.channels};
    add(g_.node("BatchNormalization", {x.id, g_.random(shape, 0.5f, 1.5f), g_.random(shape),
                                       g_.random(shape), g_.random(shape, 0.5f, 2.0f)}),
        x.channels);
  }

  void concat(Entry x) {
    const Entry other = any();
    if (x.channels + other.channels > 40) return unary(x);
    add(g_.node("Concat", {x.id, other.id}, {{"axis", int64_t{1}}}), x.channels + other.channels);
  }

  // To rows and back, by Transpose or Reshape.
  void there_and_back(Entry x) {
    if (pick(2) == 0) {
      const ValueId rows = g_.node("Transpose", {x.id}, {{"perm", ints({0, 2, 3, 1})}});
      const ValueId inner = pick(2) == 0 ? rows : g_.node("Relu", {rows});
      add(g_.node("Transpose", {inner}, {{"perm", ints({0, 3, 1, 2})}}), x.channels);
      return;
    }
    const ValueId flat = g_.node("Reshape", {x.id, g_.constant<int64_t>({2}, {x.channels, -1})});
    const ValueId inner = pick(2) == 0 ? flat : g_.node("Neg", {flat});
    const auto back = g_.constant<int64_t>({4}, {1, x.channels, kHeight, kWidth});
    add(g_.node("Reshape", {inner, back}), x.channels);
  }

  void slice(Entry x) {
    const int64_t start = pick(x.channels);
    const int64_t end = start + 1 + pick(x.channels - start);
    add(g_.node("Slice", {x.id, g_.constant<int64_t>({1}, {start}),
                          g_.constant<int64_t>({1}, {end}), g_.constant<int64_t>({1}, {1})}),
        end - start);
  }

  void gated(Entry x) { add(g_.node("Mul", {x.id, g_.node("Sigmoid", {x.id})}), x.channels); }

  GraphBuilder g_{17};
  std::vector<Entry> values_;
  uint32_t state_;
};

TEST_CASE("random graphs compile to what they mean", "[compiled]") {
  const auto seed = static_cast<uint32_t>(GENERATE(range(1, 81)));
  CAPTURE(seed);
  const auto graph = RandomGraph(seed).build(8 + static_cast<int>(seed % 40));
  CAPTURE(types(*graph));
  check_same(run_compiled(*graph), interpret(*graph));
}

}  // namespace
}  // namespace sardonyx::test
