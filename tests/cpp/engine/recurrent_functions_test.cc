// DynamicQuantizeLSTM against an LSTM whose weights are the floats that its bytes stand for.
#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/functions/resolve.h"
#include "engine/graph_edit.h"
#include "tests/cpp/engine/graph_builder.h"
#include "tests/cpp/engine/graph_run.h"

namespace sardonyx::test {
namespace {

constexpr int64_t kIn = 5, kHidden = 4, kGates = 4 * kHidden;

// Bytes [direction, rows, gates] with scales and zero points per direction or per gate.
template <typename T>
struct ByteWeights {
  int64_t directions, rows;
  bool per_gate, has_zeros;
  std::vector<T> bytes, zeros;
  std::vector<float> scales;

  ByteWeights(int64_t d, int64_t r, bool per, bool with_zeros, uint32_t seed)
      : directions(d), rows(r), per_gate(per), has_zeros(with_zeros) {
    for (float value : random_floats(static_cast<size_t>(d * r * kGates), seed, -100, 100)) {
      bytes.push_back(static_cast<T>(static_cast<int>(value)));
    }
    for (float value : random_floats(static_cast<size_t>(d * width()), seed + 1, 1, 9)) {
      scales.push_back(value / 1024);
      zeros.push_back(with_zeros ? static_cast<T>(value) : T{0});
    }
  }
  int64_t width() const { return per_gate ? kGates : 1; }
  Shape shape() const { return per_gate ? Shape{directions, kGates} : Shape{directions}; }
  // [direction, gates, rows]
  std::vector<float> floats() const {
    std::vector<float> out;
    for (int64_t d = 0; d < directions; ++d) {
      for (int64_t gate = 0; gate < kGates; ++gate) {
        for (int64_t row = 0; row < rows; ++row) {
          const auto at = static_cast<size_t>(d * width() + (per_gate ? gate : 0));
          const auto from = static_cast<size_t>((d * rows + row) * kGates + gate);
          out.push_back(static_cast<float>(bytes[from] - zeros[at]) * scales[at]);
        }
      }
    }
    return out;
  }
  ValueId data(GraphBuilder& g) const { return g.constant<T>({directions, rows, kGates}, bytes); }
  ValueId scale(GraphBuilder& g) const { return g.constant<float>(shape(), scales); }
  ValueId zero(GraphBuilder& g) const {
    return has_zeros ? g.constant<T>(shape(), zeros) : kNoValue;
  }
};

template <typename T>
void check_layer(int64_t directions, bool per_gate, bool has_zeros) {
  const ByteWeights<T> w(directions, kIn, per_gate, has_zeros, 3);
  const ByteWeights<T> r(directions, kHidden, per_gate, has_zeros, 5);
  const AttributeList attributes = {
      {"hidden_size", kHidden},
      {"direction", std::string(directions == 2 ? "bidirectional" : "reverse")}};
  GraphBuilder g, plain;
  const auto add = [&](GraphBuilder& to, bool quantized) {
    const ValueId x = to.input("x", {6, 2, kIn}), b = to.random({directions, 2 * kGates});
    std::vector<ValueId> inputs{x, kNoValue, kNoValue, b};
    if (quantized) {
      inputs[1] = w.data(to);
      inputs[2] = r.data(to);
      inputs.insert(inputs.end(), {kNoValue, kNoValue, kNoValue, kNoValue, w.scale(to), w.zero(to),
                                   r.scale(to), r.zero(to)});
    } else {
      inputs[1] = to.constant<float>({directions, kGates, kIn}, w.floats());
      inputs[2] = to.constant<float>({directions, kGates, kHidden}, r.floats());
    }
    const auto outputs = to.nodes(quantized ? "DynamicQuantizeLSTM" : "LSTM", inputs, 3, attributes,
                                  quantized ? "com.microsoft" : "");
    for (ValueId output : outputs) to.output(output);
  };
  add(g, true);
  add(plain, false);
  const auto expected = run_compiled(*plain.finish());
  check_same(run_compiled(*g.finish()), expected);
}

TEST_CASE("DynamicQuantizeLSTM of each dtype and form of scale") {
  for (const bool per_gate : {false, true}) {
    for (const int64_t directions : {1, 2}) {
      CAPTURE(per_gate, directions);
      check_layer<int8_t>(directions, per_gate, false);
      check_layer<int8_t>(directions, per_gate, true);
      check_layer<uint8_t>(directions, per_gate, true);
    }
  }
}

TEST_CASE("DynamicQuantizeLSTM without a scale is refused") {
  GraphBuilder g;
  const ValueId x = g.input("x", {6, 2, kIn});
  const ValueId w = g.constant<int8_t>({1, kIn, kGates}, std::vector<int8_t>(kIn * kGates));
  const ValueId r = g.constant<int8_t>({1, kHidden, kGates}, std::vector<int8_t>(kHidden * kGates));
  g.output(g.node("DynamicQuantizeLSTM", {x, w, r}, {{"hidden_size", kHidden}}, "com.microsoft"));
  const auto graph = g.raw();
  REQUIRE(normalize(*graph).ok());
  CHECK(resolve_graph(*graph).code() == ErrorCode::GRAPH_INPUT_MISSING);
}

}  // namespace
}  // namespace sardonyx::test
