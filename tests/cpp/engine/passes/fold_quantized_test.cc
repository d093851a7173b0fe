// The passes that keep quantized graphs in integers: sink_dequantize, fold_quantized_products and
// fold_quantized_maps, and the order in which weights are folded.
#include <cmath>

#include <catch2/catch_test_macros.hpp>

#include "engine/pass.h"
#include "tests/cpp/engine/graph_builder.h"
#include "tests/cpp/engine/graph_run.h"

namespace sardonyx::test {
namespace {

struct Quantization {
  float scale;
  uint8_t zero;
};
constexpr Quantization kInput{1.0f / 64, 128}, kOutput{1.0f / 16, 100};

ValueId quantize(GraphBuilder& g, ValueId x, const Quantization& q) {
  return g.node("QuantizeLinear", {x, g.scalar(q.scale), g.scalar(q.zero)});
}
ValueId dequantize(GraphBuilder& g, ValueId x, const Quantization& q) {
  return g.node("DequantizeLinear", {x, g.scalar(q.scale), g.scalar(q.zero)});
}
ValueId both(GraphBuilder& g, ValueId x, const Quantization& q) {
  return dequantize(g, quantize(g, x, q), q);
}

std::vector<int8_t> codes(size_t count, uint32_t seed) {
  std::vector<int8_t> out;
  for (float x : random_floats(count, seed, -127, 127)) out.push_back(static_cast<int8_t>(x));
  return out;
}

// Weights of `shape` with a scale per index of `axis`.
ValueId weights(GraphBuilder& g, const Shape& shape, int axis) {
  const auto channels = static_cast<size_t>(shape[axis]);
  const auto count = static_cast<size_t>(shape.product(0, shape.rank()));
  const ValueId q = g.constant<int8_t>(shape, codes(count, 3));
  const ValueId scale =
      g.constant<float>({shape[axis]}, random_floats(channels, 4, 0.002f, 0.004f));
  const ValueId zero = g.constant<int8_t>({shape[axis]}, std::vector<int8_t>(channels, 0));
  return g.node("DequantizeLinear", {q, scale, zero}, {{"axis", int64_t{axis}}});
}
ValueId bias(GraphBuilder& g, int64_t count) {
  std::vector<int32_t> q;
  for (float x : random_floats(static_cast<size_t>(count), 5, -900, 900)) {
    q.push_back(static_cast<int32_t>(x));
  }
  return g.node("DequantizeLinear", {g.constant<int32_t>({count}, q), g.scalar(0.001f)});
}

// What all passes make of the graph, which must compute the same, but for `quanta` steps of the
// output.
std::string compile(GraphBuilder& g, ValueId y, float quanta = 1) {
  g.output(y, "y");
  const auto graph = g.finish();
  const Outputs expected = interpret(*graph);
  const Outputs actual = run_compiled(*graph);
  REQUIRE(actual.size() == expected.size());
  REQUIRE(actual[0].size() == expected[0].size());
  size_t different = 0;
  for (size_t i = 0; i < actual[0].size(); ++i) {
    const float difference = std::fabs(actual[0][i] - expected[0][i]);
    REQUIRE(difference <= quanta * kOutput.scale + 1e-6f);
    different += difference > 1e-6f ? 1 : 0;
  }
  // A sum may end on the other side of a tie, rarely.
  CHECK(different * 100 <= actual[0].size());
  REQUIRE(run_passes(*graph).ok());
  return types(*graph);
}

TEST_CASE("Conv between integers becomes FusedQLinearConv", "[passes]") {
  GraphBuilder g;
  ValueId x = both(g, g.input("x", {1, 6, 9, 7}), kInput);
  ValueId y = kNoValue;
  const AttributeList pads = {{"pads", ints({1, 1, 1, 1})}};
  const auto conv = [&] {
    return g.node("Conv", {x, weights(g, {5, 6, 3, 3}, 0), bias(g, 5)}, pads);
  };
  SECTION("alone") {
    y = conv();
  }
  SECTION("with Relu") {
    y = g.node("Relu", {conv()});
  }
  SECTION("with Clip") {
    y = g.node("Clip", {conv(), g.scalar(-0.5f), g.scalar(0.25f)});
  }
  SECTION("with LeakyRelu") {
    y = g.node("LeakyRelu", {conv()}, {{"alpha", 0.1f}});
  }
  SECTION("of each channel") {
    y = g.node("Conv", {x, weights(g, {6, 1, 3, 3}, 0)}, {{"group", int64_t{6}}});
  }
  SECTION("with a float bias") {
    y = g.node("Conv", {x, weights(g, {5, 6, 3, 3}, 0), g.random({5})}, pads);
  }
  CHECK(compile(g, both(g, y, kOutput)) == "QuantizeLinear FusedQLinearConv DequantizeLinear");
}

TEST_CASE("weights that are quantized in the graph are folded first", "[passes]") {
  GraphBuilder g;
  const ValueId x = both(g, g.input("x", {1, 3, 6, 5}), kInput);
  const ValueId w = both(g, g.random({4, 3, 3, 3}), {1.0f / 100, 120});
  CHECK(compile(g, both(g, g.node("Conv", {x, w}), kOutput)) ==
        "QuantizeLinear FusedQLinearConv DequantizeLinear");
}

TEST_CASE("MatMul and Gemm between integers become FusedQLinearMatMul", "[passes]") {
  GraphBuilder g;
  const ValueId x = both(g, g.input("x", {7, 12}), kInput);
  ValueId y = kNoValue;
  SECTION("MatMul") {
    y = g.node("MatMul", {x, weights(g, {12, 9}, 1)});
  }
  SECTION("MatMul, bias and Relu") {
    y = g.node("Relu",
               {g.node("Add", {bias(g, 9), g.node("MatMul", {x, weights(g, {12, 9}, 1)})})});
  }
  SECTION("Gemm") {
    y = g.node("Gemm", {x, weights(g, {12, 9}, 1), g.random({9})});
  }
  SECTION("Gemm with B transposed") {
    y = g.node("Gemm", {x, weights(g, {9, 12}, 0), bias(g, 9)}, {{"transB", int64_t{1}}});
  }
  CHECK(compile(g, both(g, y, kOutput)) == "QuantizeLinear FusedQLinearMatMul DequantizeLinear");
}

TEST_CASE("a Concat of products is quantized operand by operand", "[passes]") {
  GraphBuilder g;
  const ValueId x = both(g, g.input("x", {1, 6, 9, 7}), kInput);
  const ValueId a = g.node("Conv", {x, weights(g, {5, 6, 1, 1}, 0)});
  const ValueId b = g.node("Relu", {g.node("Conv", {x, weights(g, {4, 6, 1, 1}, 0)})});
  const ValueId joined = g.node("Concat", {a, b}, {{"axis", int64_t{1}}});
  CHECK(compile(g, both(g, joined, kOutput)) ==
        "QuantizeLinear FusedQLinearConv FusedQLinearConv Concat DequantizeLinear");
}

TEST_CASE("products that are not between integers stay float", "[passes]") {
  GraphBuilder g;
  const ValueId in = g.input("x", {1, 6, 6, 6});
  SECTION("LeakyRelu that falls") {
    const ValueId x = both(g, in, kInput);
    const ValueId conv = g.node("Conv", {x, weights(g, {5, 6, 3, 3}, 0)});
    const ValueId y = g.node("LeakyRelu", {conv}, {{"alpha", -0.1f}});
    CHECK(compile(g, both(g, y, kOutput)) ==
          "QuantizeLinear DequantizeLinear FusedConv QuantizeLinear DequantizeLinear");
  }
  SECTION("input not quantized") {
    const ValueId y = g.node("Conv", {in, weights(g, {5, 6, 3, 3}, 0)});
    CHECK(compile(g, both(g, y, kOutput)) == "Conv QuantizeLinear DequantizeLinear");
  }
  SECTION("output not quantized") {
    const ValueId y = g.node("Conv", {both(g, in, kInput), weights(g, {5, 6, 3, 3}, 0)});
    CHECK(compile(g, y) == "QuantizeLinear DequantizeLinear Conv");
  }
  SECTION("output with a second reader") {
    const ValueId y = g.node("Conv", {both(g, in, kInput), weights(g, {6, 6, 1, 1}, 0)});
    const ValueId sum = g.node("Add", {both(g, y, kOutput), y});
    CHECK(compile(g, sum, 2) ==
          "QuantizeLinear DequantizeLinear Conv QuantizeLinear DequantizeLinear Add");
  }
  SECTION("an activation that is no clamp") {
    const ValueId y = g.node("Conv", {both(g, in, kInput), weights(g, {5, 6, 3, 3}, 0)});
    CHECK(compile(g, both(g, g.node("Sigmoid", {y}), kOutput)) ==
          "QuantizeLinear DequantizeLinear FusedConv QuantizeLinear DequantizeLinear");
  }
  SECTION("weights with a scale per input channel") {
    const ValueId y = g.node("Conv", {both(g, in, kInput), weights(g, {5, 6, 3, 3}, 1)});
    CHECK(compile(g, both(g, y, kOutput)) ==
          "QuantizeLinear DequantizeLinear Conv QuantizeLinear DequantizeLinear");
  }
  SECTION("a bias that adds an axis") {
    const ValueId x = both(g, g.node("Reshape", {in, g.constant<int64_t>({2}, {18, 12})}), kInput);
    const ValueId y =
        g.node("Add", {g.node("MatMul", {x, weights(g, {12, 9}, 1)}), g.random({1, 1, 9})});
    CHECK(compile(g, both(g, y, kOutput)).find("FusedQLinearMatMul") == std::string::npos);
  }
  SECTION("a bias that is computed") {
    const ValueId b =
        g.node("Reshape", {g.node("Relu", {g.input("b", {1, 5})}), g.constant<int64_t>({1}, {5})});
    const ValueId y = g.node("Conv", {both(g, in, kInput), weights(g, {5, 6, 3, 3}, 0), b});
    CHECK(compile(g, both(g, y, kOutput)).find("FusedQLinearConv") == std::string::npos);
  }
}

TEST_CASE("moving operators and MaxPool work on integers", "[passes]") {
  GraphBuilder g;
  const ValueId x = both(g, g.input("x", {1, 4, 6, 8}), kOutput);
  std::string moved;
  ValueId y = kNoValue;
  SECTION("MaxPool") {
    y = g.node(moved = "MaxPool", {x}, {{"kernel_shape", ints({3, 3})}, {"strides", ints({2, 2})}});
  }
  SECTION("MaxPool whose last windows end beyond the input") {
    y = g.node(moved = "MaxPool", {x},
               {{"kernel_shape", ints({3, 3})},
                {"strides", ints({2, 2})},
                {"pads", ints({2, 2, 1, 1})},
                {"ceil_mode", int64_t{1}}});
  }
  SECTION("Transpose") {
    y = g.node(moved = "Transpose", {x}, {{"perm", ints({0, 2, 3, 1})}});
  }
  SECTION("Reshape") {
    y = g.node(moved = "Reshape", {x, g.constant<int64_t>({2}, {4, 48})});
  }
  SECTION("Concat") {
    y = g.node(moved = "Concat", {x, x}, {{"axis", int64_t{1}}});
  }
  SECTION("Resize to the nearest") {
    const ValueId none = g.constant<float>({0}, {});
    y = g.node(moved = "Resize", {x, none, g.constant<float>({4}, {1, 1, 2, 2})},
               {{"mode", std::string("nearest")}});
  }
  SECTION("Slice") {
    y = g.node(moved = "Slice", {x, g.constant<int64_t>({1}, {1}), g.constant<int64_t>({1}, {5}),
                                 g.constant<int64_t>({1}, {3})});
  }
  CHECK(compile(g, both(g, y, kOutput), 0) == "QuantizeLinear " + moved + " DequantizeLinear");
}

TEST_CASE("a change of scales behind a move is a Lookup", "[passes]") {
  GraphBuilder g;
  const ValueId x = both(g, g.input("x", {1, 4, 6, 8}), kInput);
  const ValueId y = g.node("Transpose", {x}, {{"perm", ints({0, 2, 3, 1})}});
  CHECK(compile(g, both(g, y, kOutput), 0) == "QuantizeLinear Transpose Lookup DequantizeLinear");
}

TEST_CASE("Concat of different scales takes its QuantizeLinear to the operands", "[passes]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {1, 4, 6, 8});
  const ValueId joined =
      g.node("Concat", {both(g, x, kInput), both(g, x, kOutput)}, {{"axis", int64_t{1}}});
  CHECK(compile(g, both(g, joined, kOutput), 0) ==
        "QuantizeLinear QuantizeLinear Lookup Concat DequantizeLinear");
}

// com.microsoft has them in models of any opset; Reshape is here older than DequantizeLinear.
TEST_CASE("a DequantizeLinear that moves keeps its opset and its attributes", "[passes]") {
  GraphBuilder g(9);
  const ValueId x = g.input("x", {2, 8});
  const AttributeList axis{{"axis", int64_t{0}}};
  const auto convert = [&](const char* type, ValueId from) {
    const std::vector<ValueId> inputs{from, g.scalar(kInput.scale), g.scalar(kInput.zero)};
    return g.node(type, inputs, axis, "com.microsoft");
  };
  const ValueId q = convert("QuantizeLinear", x);
  const ValueId y =
      g.node("Reshape", {convert("DequantizeLinear", q), g.constant<int64_t>({2}, {4, 4})});
  g.output(y, "y");
  const auto before = g.finish();
  const auto after = copy(*before);
  REQUIRE(run_pass(*after, "sink_dequantize"));
  REQUIRE(run_pass(*after, "remove_unused"));
  CHECK(types(*after) == "QuantizeLinear Reshape DequantizeLinear");
  const Node& moved = only(*after, "DequantizeLinear");
  CHECK(moved.opset == only(*before, "DequantizeLinear").opset);
  CHECK(moved.attributes.get_int("axis", 1) == 0);
  check_equivalent(*before, *after);
}

TEST_CASE("moves that would not stay in integers are left alone", "[passes]") {
  GraphBuilder g;
  const ValueId x = both(g, g.input("x", {1, 4, 6, 8}), kOutput);
  SECTION("Resize before a float operator") {
    const ValueId none = g.constant<float>({0}, {});
    const ValueId y = g.node("Resize", {x, none, g.constant<float>({4}, {1, 1, 2, 2})},
                             {{"mode", std::string("nearest")}});
    CHECK(compile(g, g.node("Sin", {y}), 0) == "QuantizeLinear DequantizeLinear Resize Sin");
  }
  SECTION("linear Resize") {
    const ValueId none = g.constant<float>({0}, {});
    const ValueId y = g.node("Resize", {x, none, g.constant<float>({4}, {1, 1, 2, 2})},
                             {{"mode", std::string("linear")}});
    CHECK(compile(g, both(g, y, kOutput), 0) ==
          "QuantizeLinear DequantizeLinear Resize QuantizeLinear DequantizeLinear");
  }
  SECTION("MaxPool whose last windows could lie beyond the input") {
    const ValueId y = g.node("MaxPool", {x},
                             {{"kernel_shape", ints({2, 2})},
                              {"strides", ints({2, 2})},
                              {"pads", ints({0, 0, 1, 1})},
                              {"ceil_mode", int64_t{1}}});
    CHECK(compile(g, both(g, y, kOutput), 0) ==
          "QuantizeLinear DequantizeLinear MaxPool QuantizeLinear DequantizeLinear");
  }
  SECTION("a Concat with a float operand") {
    const ValueId y = g.node("Concat", {x, g.input("z", {1, 4, 6, 8})}, {{"axis", int64_t{1}}});
    CHECK(compile(g, both(g, y, kOutput), 0) ==
          "QuantizeLinear DequantizeLinear Concat QuantizeLinear DequantizeLinear");
  }
}

TEST_CASE("elementwise operators on one quantized tensor become a Lookup", "[passes]") {
  GraphBuilder g;
  const ValueId x = both(g, g.input("x", {2, 3, 5, 7}), kInput);
  ValueId y = kNoValue;
  SECTION("Sigmoid") {
    y = g.node("Sigmoid", {x});
  }
  SECTION("a chain with constants") {
    y = g.node("Mul", {g.node("LeakyRelu", {g.node("Add", {x, g.scalar(0.5f)})}), g.scalar(3.0f)});
  }
  SECTION("Silu") {
    y = g.node("Mul", {x, g.node("Sigmoid", {x})});
  }
  SECTION("Silu with a quantized gate") {
    y = g.node("Mul", {x, both(g, g.node("Sigmoid", {x}), {1.0f / 256, 0})});
  }
  SECTION("a constant with axes") {
    y = g.node("Mul", {g.node("Relu", {x}), g.constant<float>({1, 1, 1, 1}, {0.5f})});
  }
  CHECK(compile(g, both(g, y, kOutput), 0) == "QuantizeLinear Lookup DequantizeLinear");
}

TEST_CASE("a pair of QuantizeLinear and DequantizeLinear that changes nothing goes", "[passes]") {
  GraphBuilder g;
  const ValueId x = both(g, g.input("x", {2, 3, 5}), kOutput);
  CHECK(compile(g, both(g, both(g, x, kOutput), kOutput), 0) == "QuantizeLinear DequantizeLinear");
}

TEST_CASE("elementwise operators on more than one tensor stay float", "[passes]") {
  GraphBuilder g;
  const ValueId x = both(g, g.input("x", {2, 3}), kInput);
  SECTION("two quantized tensors") {
    const ValueId y = g.node("Add", {x, both(g, g.input("z", {2, 3}), kInput)});
    CHECK(compile(g, both(g, y, kOutput), 0) ==
          "QuantizeLinear DequantizeLinear QuantizeLinear DequantizeLinear Add QuantizeLinear "
          "DequantizeLinear");
  }
  SECTION("a constant per column") {
    const ValueId y = g.node("Mul", {x, g.random({3})});
    CHECK(compile(g, both(g, y, kOutput), 0) ==
          "QuantizeLinear DequantizeLinear Mul QuantizeLinear DequantizeLinear");
  }
  SECTION("a constant that adds an axis") {
    const ValueId y = g.node("Mul", {x, g.constant<float>({1, 1, 1}, {2})});
    CHECK(compile(g, both(g, y, kOutput), 0) ==
          "QuantizeLinear DequantizeLinear Mul QuantizeLinear DequantizeLinear");
  }
}

TEST_CASE("weights for float operators become float constants", "[passes]") {
  GraphBuilder g;
  const ValueId y = g.node("MatMul", {g.input("x", {3, 12}), weights(g, {12, 9}, 1)});
  CHECK(compile(g, y, 0) == "MatMul");
}

}  // namespace
}  // namespace sardonyx::test
