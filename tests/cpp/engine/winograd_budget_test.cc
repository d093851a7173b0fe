#include <catch2/catch_test_macros.hpp>

#include <string>
#include <vector>

#include "engine/session.h"
#include "tests/cpp/engine/graph_builder.h"

namespace sardonyx::test {
namespace {

using Names = std::vector<std::string>;

// Of the convolutions of a graph.
Names kernels_of(GraphBuilder& g) {
  auto session = Session::create(g.finish());
  REQUIRE(session.ok());
  Names names;
  for (const Step& step : session.value()->lowering().steps) {
    const std::string& type = step.node->type;
    if (type == "Conv" || type == "QLinearConv") names.emplace_back(step.kernel->name());
  }
  return names;
}

// Convolutions in a row, 3x3 unless said otherwise; `channels` are those of the input and of each
// output.
Names kernels_of(const std::vector<int64_t>& channels, int64_t map, int64_t stride = 1,
                 int64_t kernel = 3) {
  GraphBuilder g;
  ValueId x = g.input("x", {1, channels[0], map, map});
  for (size_t i = 1; i < channels.size(); ++i) {
    x = g.node(
        "Conv", {x, g.random({channels[i], channels[i - 1], kernel, kernel})},
        {{"pads", ints(std::vector<int64_t>(4, kernel / 2))}, {"strides", ints({stride, stride})}});
  }
  g.output(x, "y");
  return kernels_of(g);
}

}  // namespace

TEST_CASE("Winograd convolutions where they are faster") {
  const std::string tile_4 = "conv_winograd_4x4", gemm = "conv_indirect";
  CHECK(kernels_of({64, 64, 16}, 16) == Names{tile_4, tile_4});
  CHECK(kernels_of({64, 64}, kUnknownDim) == Names{tile_4});
  CHECK(kernels_of({64, 64}, 16, 2) == Names{gemm});
  CHECK(kernels_of({4, 8, 8}, 5) == Names{gemm, gemm});
  CHECK(kernels_of({64, 64}, 3) == Names{gemm});
  const std::string line = "conv_winograd_line";
  CHECK(kernels_of({8, 8, 64, 64}, 16, 1, 5) == Names{line, line, "conv_winograd_2x2"});
  CHECK(kernels_of({16, 32}, 16, 2, 5) == Names{gemm});
  CHECK(kernels_of({64, 64}, 16, 1, 7) == Names{line});
}

TEST_CASE("Winograd convolutions of three taps over one axis") {
  const auto kernel = [](int64_t length) {
    GraphBuilder g;
    const ValueId x = g.input("x", {1, 16, length});
    g.output(g.node("Conv", {x, g.random({16, 16, 3})}, {{"pads", ints({1, 1})}}), "y");
    return kernels_of(g).front();
  };
  CHECK(kernel(64) == "conv_winograd_line");
  CHECK(kernel(16) == "conv_indirect");
  CHECK(kernel(kUnknownDim) == "conv_indirect");
}

TEST_CASE("Winograd convolutions over three axes") {
  const auto kernels = [](int64_t channels, int64_t filters, int64_t dilation) {
    GraphBuilder g;
    const ValueId x = g.input("x", {1, channels, 16, 16, 16});
    const auto pads = ints(std::vector<int64_t>(6, dilation));
    g.output(g.node("Conv", {x, g.random({filters, channels, 3, 3, 3})},
                    {{"pads", pads}, {"dilations", ints({dilation, dilation, dilation})}}),
             "y");
    return kernels_of(g);
  };
  CHECK(kernels(5, 5, 1) == Names{"conv_winograd_rows"});
  CHECK(kernels(5, 5, 4) == Names{"conv_winograd_rows"});
  CHECK(kernels(5, 5, 8) == Names{"conv_direct"});
  CHECK(kernels(5, 8, 2) == Names{"conv_winograd_rows"});
  CHECK(kernels(5, 3, 1) == Names{"conv_direct"});
}

TEST_CASE("Winograd convolutions stay within the budget for packed weights") {
  // 0.6, 2.4 and 2.4 MB of weights, so that packs may add 4 MiB: 1.8, then 1.8 (2x2), then nothing.
  CHECK(kernels_of({64, 256, 256, 256}, 16) ==
        Names{"conv_winograd_4x4", "conv_winograd_2x2", "conv_indirect"});
}

TEST_CASE("Dequantized maps are not convolved by Winograd's algorithm") {
  GraphBuilder g;
  const ValueId x = g.input("x", {1, 64, 16, 16}, DType::kUint8);
  const ValueId map = g.node("DequantizeLinear", {x, g.constant<float>({}, {0.5f})});
  g.output(g.node("Conv", {map, g.random({64, 64, 3, 3})}), "y");
  CHECK(kernels_of(g) == Names{"conv_indirect"});
}

TEST_CASE("Winograd convolutions of bytes, within the budget") {
  // 74 KB of weights, then 0.6 MB each; packs may add 4 MiB: 0.4, then 3.5, then nothing.
  GraphBuilder g;
  const ValueId scale = g.scalar(0.5f), zero = g.constant<uint8_t>({}, {0});
  ValueId x = g.input("x", {1, 32, 16, 16}, DType::kUint8);
  int64_t from = 32;
  for (int64_t to : {256, 256, 256}) {
    const std::vector<uint8_t> weights(static_cast<size_t>(to * from * 9), 1);
    const ValueId w = g.constant<uint8_t>({to, from, 3, 3}, weights);
    x = g.node("QLinearConv", {x, scale, zero, w, scale, zero, scale, zero},
               {{"pads", ints({1, 1, 1, 1})}});
    from = to;
  }
  g.output(x, "y");
  const std::string tile = "integer_winograd", direct = "integer_conv";
  CHECK(kernels_of(g) == Names{tile, tile, direct});
}

}  // namespace sardonyx::test
