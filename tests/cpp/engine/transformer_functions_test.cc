// Transformer operators that are written with others: against their formulas, or against graphs of
// elementary operators.
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/functions/resolve.h"
#include "engine/graph_edit.h"
#include "tests/cpp/engine/graph_builder.h"
#include "tests/cpp/engine/graph_run.h"

namespace sardonyx::test {
namespace {

constexpr uint32_t kSeed = 7;
constexpr const char* kMicrosoft = "com.microsoft";

// What run_compiled() feeds as input i.
std::vector<float> fed(size_t count, uint32_t i) {
  return random_floats(count, kSeed + i, -1.0f, 1.0f);
}

void check_near(const std::vector<float>& actual, const std::vector<double>& expected,
                double tolerance = 1e-5) {
  REQUIRE(actual.size() == expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    CAPTURE(i);
    CHECK(std::fabs(actual[i] - expected[i]) <= tolerance * (1 + std::fabs(expected[i])));
  }
}

double gelu(double x) {
  return x / 2 * (1 + std::erf(x / std::sqrt(2.0)));
}
double gelu_tanh(double x) {
  return x / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}
double swish(double x, double alpha) {
  return x / (1 + std::exp(-alpha * x));
}

TEST_CASE("activations with a bias or a gate") {
  struct Case {
    const char *type, *domain;
    AttributeList attributes;
    std::function<double(double x, double other)> formula;
  };
  const Case cases[] = {
      {"BiasGelu", kMicrosoft, {}, [](double x, double b) { return gelu(x + b); }},
      {"FastGelu", kMicrosoft, {}, [](double x, double b) { return gelu_tanh(x + b); }},
      {"SwiGLU", "", {}, [](double x, double b) { return swish(x, 1) * b; }},
      {"SwiGLU", "", {{"alpha", 1.7f}}, [](double x, double b) { return swish(x, 1.7f) * b; }},
  };
  for (const Case& c : cases) {
    CAPTURE(c.type);
    GraphBuilder g(28);
    const ValueId x = g.input("x", {3, 5});
    const ValueId other = g.input("other", c.domain == kMicrosoft ? Shape{5} : Shape{3, 5});
    g.output(g.node(c.type, {x, other}, c.attributes, c.domain));
    const auto a = fed(15, 0), b = fed(15, 1);
    std::vector<double> expected;
    for (size_t i = 0; i < 15; ++i) {
      expected.push_back(c.formula(a[i], b[c.domain == kMicrosoft ? i % 5 : i]));
    }
    check_near(run_compiled(*g.finish())[0], expected);
  }
}

TEST_CASE("FastGelu without a bias, QuickGelu and Gelu") {
  const auto x = fed(6, 0);
  for (const char* type : {"FastGelu", "QuickGelu", "Gelu"}) {
    const std::string name = type;
    GraphBuilder g;
    g.output(g.node(type, {g.input("x", {6})}, {}, kMicrosoft));
    std::vector<double> expected;
    for (float v : x) {
      expected.push_back(name == "Gelu"       ? gelu(v)
                         : name == "FastGelu" ? gelu_tanh(v)
                                              : swish(v, 1.702));
    }
    check_near(run_compiled(*g.finish())[0], expected);
  }
}

// Rows of `n` normalized; `centred`: less their mean.
struct Normalized {
  std::vector<double> y, mean, inverse;
};
Normalized normalize_rows(const std::vector<double>& x, size_t n, bool centred,
                          const std::vector<float>& scale, const std::vector<float>& shift) {
  Normalized out;
  for (size_t row = 0; row < x.size(); row += n) {
    double mean = 0, square = 0;
    for (size_t i = row; i < row + n && centred; ++i) mean += x[i] / static_cast<double>(n);
    for (size_t i = row; i < row + n; ++i) {
      square += (x[i] - mean) * (x[i] - mean) / static_cast<double>(n);
    }
    out.mean.push_back(mean);
    out.inverse.push_back(1 / std::sqrt(square + 1e-3));
    for (size_t i = row; i < row + n; ++i) {
      const double y = (x[i] - mean) * out.inverse.back() * scale[i - row];
      out.y.push_back(shift.empty() ? y : y + shift[i - row]);
    }
  }
  return out;
}

TEST_CASE("SkipLayerNormalization and SkipSimplifiedLayerNormalization") {
  for (bool centred : {false, true}) {
    CAPTURE(centred);
    GraphBuilder g;
    std::vector<ValueId> inputs = {g.input("x", {2, 3, 8}), g.input("skip", {3, 8}),
                                   g.input("gamma", {8})};
    if (centred) inputs.push_back(g.input("beta", {8}));
    inputs.push_back(g.input("bias", {8}));
    const char* type = centred ? "SkipLayerNormalization" : "SkipSimplifiedLayerNormalization";
    const auto outputs = g.nodes(type, inputs, 4, {{"epsilon", 1e-3f}}, kMicrosoft);
    for (size_t i : {0, 2, 3}) g.output(outputs[i]);
    if (centred) g.output(outputs[1]);
    const auto graph = g.raw();
    // SkipSimplifiedLayerNormalization has no mean.
    if (!centred) graph->nodes[0].outputs[1] = kNoValue;
    REQUIRE(normalize(*graph).ok());
    REQUIRE(resolve_graph(*graph).ok());

    const auto x = fed(48, 0), skip = fed(24, 1), gamma = fed(8, 2);
    const auto beta = centred ? fed(8, 3) : std::vector<float>();
    const auto bias = fed(8, centred ? 4 : 3);
    std::vector<double> sum;
    for (size_t i = 0; i < 48; ++i) sum.push_back(double{x[i]} + skip[i % 24] + bias[i % 8]);
    const Normalized expected = normalize_rows(sum, 8, centred, gamma, beta);
    const Outputs found = run_compiled(*graph);
    check_near(found[0], expected.y);
    check_near(found[1], expected.inverse);
    check_near(found[2], sum);
    if (centred) check_near(found[3], expected.mean);
  }
}

TEST_CASE("SimplifiedLayerNormalization with its inverse") {
  for (const char* domain : {"", kMicrosoft}) {
    GraphBuilder g;
    const ValueId x = g.input("x", {2, 6}), gamma = g.input("gamma", {6});
    const auto outputs =
        g.nodes("SimplifiedLayerNormalization", {x, gamma}, 2, {{"epsilon", 1e-3f}}, domain);
    g.output(outputs[0]);
    g.output(outputs[1]);
    const auto fed_x = fed(12, 0);
    const Normalized expected =
        normalize_rows({fed_x.begin(), fed_x.end()}, 6, false, fed(6, 1), {});
    const Outputs found = run_compiled(*g.finish());
    check_near(found[0], expected.y);
    check_near(found[1], expected.inverse);
  }
}

TEST_CASE("EmbedLayerNormalization looks up, adds and counts") {
  for (bool whole : {false, true}) {
    CAPTURE(whole);
    GraphBuilder g;
    const ValueId words = g.input("words", {5, 4}), places = g.input("places", {6, 4}),
                  segments = g.input("segments", {2, 4}), gamma = g.input("gamma", {4}),
                  beta = g.input("beta", {4});
    const ValueId ids = g.constant<int32_t>({2, 3}, {4, 0, 2, 1, 1, 3});
    const ValueId segment_ids = g.constant<int32_t>({2, 3}, {0, 1, 1, 0, 0, 1});
    const ValueId mask = g.constant<int32_t>({2, 3}, {1, 1, 0, 1, 0, 0});
    const ValueId place_ids = g.constant<int32_t>({2, 3}, {5, 4, 3, 2, 1, 0});
    const auto or_not = [&](ValueId id) { return whole ? id : kNoValue; };
    const auto outputs = g.nodes("EmbedLayerNormalization",
                                 {ids, or_not(segment_ids), words, places, or_not(segments), gamma,
                                  beta, or_not(mask), or_not(place_ids)},
                                 3, {{"epsilon", 1e-3f}}, kMicrosoft);
    g.output(outputs[0]);
    g.output(g.node("Cast", {outputs[1]}, {{"to", int64_t{1}}}));
    g.output(outputs[2]);
    const auto w = fed(20, 0), p = fed(24, 1), s = fed(8, 2);
    const size_t word[] = {4, 0, 2, 1, 1, 3}, segment[] = {0, 1, 1, 0, 0, 1};
    std::vector<double> sum;
    for (size_t i = 0; i < 24; ++i) {
      const size_t token = i / 4, place = whole ? 5 - token : token % 3;
      const double part = double{w[word[token] * 4 + i % 4]} + p[place * 4 + i % 4];
      sum.push_back(whole ? part + s[segment[token] * 4 + i % 4] : part);
    }
    const Outputs found = run_compiled(*g.finish());
    check_near(found[0], normalize_rows(sum, 4, true, fed(4, 3), fed(4, 4)).y);
    check_near(found[1], whole ? std::vector<double>{2, 1} : std::vector<double>{0, 0});
    check_near(found[2], sum);
  }
}

TEST_CASE("FusedMatMul transposes, and scales") {
  // a and b are stored with the rows first and the columns last or last but one.
  for (const char* type : {"FusedMatMul", "TransposeMatMul"}) {
    GraphBuilder g, plain;
    g.output(g.node(type, {g.input("a", {2, 4, 3}), g.input("b", {2, 5, 4})},
                    {{"transA", int64_t{1}}, {"transB", int64_t{1}}, {"alpha", 0.5f}}, kMicrosoft));
    const auto swapped = [&](ValueId x) {
      return plain.node("Transpose", {x}, {{"perm", ints({0, 2, 1})}});
    };
    const ValueId a = plain.input("a", {2, 4, 3}), b = plain.input("b", {2, 5, 4});
    plain.output(
        plain.node("Mul", {plain.node("MatMul", {swapped(a), swapped(b)}), plain.scalar(0.5f)}));
    check_same(run_compiled(*g.finish()), run_compiled(*plain.finish()));
  }
  GraphBuilder g, plain;
  g.output(g.node("FusedMatMul", {g.input("a", {3, 2, 4}), g.input("b", {2, 4, 5})},
                  {{"transBatchA", int64_t{1}}}, kMicrosoft));
  const ValueId a = plain.input("a", {3, 2, 4}), b = plain.input("b", {2, 4, 5});
  plain.output(
      plain.node("MatMul", {plain.node("Transpose", {a}, {{"perm", ints({1, 0, 2})}}), b}));
  check_same(run_compiled(*g.finish()), run_compiled(*plain.finish()));
}

TEST_CASE("products of integers with scales") {
  const std::vector<int8_t> b = {-3, 5, 7, -11, 13, 2};
  GraphBuilder g;
  const ValueId scale_b = g.constant<float>({2}, {0.5f, 0.25f});
  const ValueId zero_b = g.scalar<int8_t>(1);
  const ValueId weights = g.constant<int8_t>({3, 2}, b);
  const ValueId bias = g.input("bias", {2});
  const ValueId a = g.constant<uint8_t>({2, 3}, {10, 20, 30, 200, 0, 7});
  g.output(g.node("MatMulIntegerToFloat",
                  {a, weights, g.scalar(0.1f), scale_b, g.scalar<uint8_t>(9), zero_b, bias}, {},
                  kMicrosoft));
  const ValueId x = g.input("x", {2, 3});
  g.output(g.node("DynamicQuantizeMatMul", {x, weights, scale_b, zero_b, bias}, {}, kMicrosoft));
  const Outputs found = run_compiled(*g.finish());
  const double bytes[] = {10, 20, 30, 200, 0, 7};
  const auto shift = fed(2, 0), numbers = fed(6, 1);
  std::vector<double> integers, floats;
  for (size_t i = 0; i < 4; ++i) {
    double sum = 0, product = 0;
    for (size_t k = 0; k < 3; ++k) {
      const double weight = b[k * 2 + i % 2] - 1;
      sum += (bytes[i / 2 * 3 + k] - 9) * weight;
      product += numbers[i / 2 * 3 + k] * weight;
    }
    const double scale = i % 2 == 0 ? 0.5 : 0.25;
    integers.push_back(sum * scale * 0.1f + shift[i % 2]);
    floats.push_back(product * scale + shift[i % 2]);
  }
  check_near(found[0], integers);
  // x goes through 256 steps.
  check_near(found[1], floats, 0.05);
}

// softmax(q * k^T * scale through `modify`) * v of elementary operators, [batch, heads, length,
// size].
ValueId plain_attention(GraphBuilder& g, ValueId q, ValueId k, ValueId v, float scale,
                        const std::function<ValueId(ValueId)>& modify) {
  const ValueId turned = g.node("Transpose", {k}, {{"perm", ints({0, 1, 3, 2})}});
  const ValueId scores = g.node("Mul", {g.node("MatMul", {q, turned}), g.scalar(scale)});
  return g.node("MatMul", {g.node("Softmax", {modify(scores)}, {{"axis", int64_t{-1}}}), v});
}

// Queries, keys and values of two heads out of x * weights + bias.
std::vector<ValueId> plain_projection(GraphBuilder& g, const std::vector<ValueId>& inputs,
                                      const std::vector<int64_t>& sizes) {
  const ValueId all = g.node("Add", {g.node("MatMul", {inputs[0], inputs[1]}), inputs[2]});
  std::vector<ValueId> parts =
      g.nodes("Split", {all, g.constant<int64_t>({3}, sizes)}, 3, {{"axis", int64_t{2}}});
  for (ValueId& part : parts) {
    const ValueId heads = g.node("Reshape", {part, g.constant<int64_t>({4}, {0, 0, 2, -1})});
    part = g.node("Transpose", {heads}, {{"perm", ints({0, 2, 1, 3})}});
  }
  return parts;
}

// [batch, heads, length, size] to [batch, length, heads * size].
ValueId joined(GraphBuilder& g, ValueId y) {
  return g.node("Reshape", {g.node("Transpose", {y}, {{"perm", ints({0, 2, 1, 3})}}),
                            g.constant<int64_t>({3}, {0, 0, -1})});
}

TEST_CASE("Attention of com.microsoft, values wider than keys") {
  GraphBuilder g, plain;
  const auto inputs = [](GraphBuilder& to) {
    return std::vector<ValueId>{to.input("x", {2, 3, 5}), to.input("weights", {5, 28}),
                                to.input("bias", {28})};
  };
  g.output(g.node("Attention", inputs(g),
                  {{"num_heads", int64_t{2}}, {"qkv_hidden_sizes", ints({8, 8, 12})}}, kMicrosoft));
  const auto heads = plain_projection(plain, inputs(plain), {8, 8, 12});
  plain.output(joined(plain, plain_attention(plain, heads[0], heads[1], heads[2], 0.5f,
                                             [](ValueId scores) { return scores; })));
  check_same(run_compiled(*g.finish()), run_compiled(*plain.finish()));
}

TEST_CASE("Attention of com.microsoft with a past") {
  GraphBuilder g, plain;
  const auto inputs = [](GraphBuilder& to) {
    return std::vector<ValueId>{to.input("x", {2, 3, 5}), to.input("weights", {5, 24}),
                                to.input("bias", {24}), to.input("past", {2, 2, 2, 4, 4})};
  };
  const auto in = inputs(g);
  const auto outputs = g.nodes("Attention", {in[0], in[1], in[2], kNoValue, in[3]}, 2,
                               {{"num_heads", int64_t{2}}}, kMicrosoft);
  g.output(outputs[0]);
  g.output(outputs[1]);
  const auto from = inputs(plain);
  const auto heads = plain_projection(plain, from, {8, 8, 8});
  std::vector<ValueId> present;
  for (int64_t i = 0; i < 2; ++i) {
    const ValueId old = plain.node("Gather", {from[3], plain.scalar(i)});
    present.push_back(
        plain.node("Concat", {old, heads[static_cast<size_t>(i) + 1]}, {{"axis", int64_t{2}}}));
  }
  plain.output(joined(plain, plain_attention(plain, heads[0], present[0], present[1], 0.5f,
                                             [](ValueId scores) { return scores; })));
  const auto whole = [&](ValueId x) {
    return plain.node("Unsqueeze", {x, plain.constant<int64_t>({1}, {0})});
  };
  plain.output(
      plain.node("Concat", {whole(present[0]), whole(present[1])}, {{"axis", int64_t{0}}}));
  check_same(run_compiled(*g.finish()), run_compiled(*plain.finish()));
}

TEST_CASE("FlexAttention passes scores and shares through its graphs") {
  GraphBuilder score;
  const ValueId scores = score.input("scores", {2, 4, 3, 5});
  const ValueId captured = score.input("captured", {5});
  score.output(score.node("Add", {scores, captured}));
  auto score_mod = score.raw();
  score_mod->captured = 1;
  GraphBuilder share;
  const ValueId shares = share.input("shares", {2, 4, 3, 5});
  share.output(share.node("Mul", {shares, share.scalar(2.0f)}));
  const auto attributes = AttributeList{{"score_mod", std::shared_ptr<Graph>(std::move(score_mod))},
                                        {"prob_mod", std::shared_ptr<Graph>(share.raw())}};

  GraphBuilder g, plain;
  const auto inputs = [](GraphBuilder& to) {
    return std::vector<ValueId>{to.input("q", {2, 4, 3, 8}), to.input("k", {2, 2, 5, 8}),
                                to.input("v", {2, 2, 5, 6}), to.input("captured", {5})};
  };
  g.output(g.node("FlexAttention", inputs(g), attributes, "ai.onnx.preview"));
  const auto from = inputs(plain);
  const ValueId heads = plain.constant<int64_t>({4}, {0, 0, 1, 1});
  const ValueId k = plain.node("Gather", {from[1], heads}, {{"axis", int64_t{1}}});
  const ValueId v = plain.node("Gather", {from[2], heads}, {{"axis", int64_t{1}}});
  const ValueId y = plain_attention(plain, from[0], k, v, 1 / std::sqrt(8.0f),
                                    [&](ValueId x) { return plain.node("Add", {x, from[3]}); });
  plain.output(plain.node("Mul", {y, plain.scalar(2.0f)}));
  check_same(run_compiled(*g.finish()), run_compiled(*plain.finish()));
}

TEST_CASE("bodies refuse what they can not write") {
  const auto refuses = [](const char* type, const char* domain, const std::vector<Shape>& shapes,
                          AttributeList attributes, ErrorCode code) {
    CAPTURE(type);
    GraphBuilder g;
    std::vector<ValueId> inputs;
    for (size_t i = 0; i < shapes.size(); ++i) {
      inputs.push_back(g.input("input" + std::to_string(i), shapes[i]));
    }
    g.output(g.node(type, inputs, std::move(attributes), domain));
    const auto graph = g.raw();
    REQUIRE(normalize(*graph).ok());
    CHECK(resolve_graph(*graph).code() == code);
  };
  const Shape q{1, 4, 3, 8};
  refuses("FlexAttention", "ai.onnx.preview", {q, {1, 3, 5, 8}, {1, 3, 5, 8}}, {},
          ErrorCode::SHAPE_MISMATCH);
  refuses("FlexAttention", "ai.onnx.preview", {q, q}, {}, ErrorCode::GRAPH_INPUT_MISSING);
  refuses("FlexAttention", "ai.onnx.preview", {q, q, q}, {{"score_mod", int64_t{1}}},
          ErrorCode::ATTRIBUTE_INVALID);
  refuses("FlexAttention", "ai.onnx.preview", {q, q, q},
          {{"score_mod", std::shared_ptr<Graph>(std::make_shared<Graph>())}},
          ErrorCode::MODEL_MALFORMED);
  refuses("Attention", kMicrosoft, {{1, 2, 4}, {4, 12}},
          {{"num_heads", int64_t{2}}, {"do_rotary", int64_t{1}}}, ErrorCode::MODEL_UNSUPPORTED);
  refuses("BiasGelu", kMicrosoft, {{2}}, {}, ErrorCode::GRAPH_INPUT_MISSING);
  refuses("EmbedLayerNormalization", kMicrosoft, {{2}}, {}, ErrorCode::GRAPH_INPUT_MISSING);
  refuses("MatMulIntegerToFloat", kMicrosoft, {{2, 2}, {2, 2}, {2}, {2}}, {},
          ErrorCode::MODEL_UNSUPPORTED);
}

}  // namespace
}  // namespace sardonyx::test
