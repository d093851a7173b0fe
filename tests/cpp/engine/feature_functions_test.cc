// ai.onnx.ml: preparing features.
#include <catch2/catch_test_macros.hpp>
#include <limits>

#include "tests/cpp/engine/value_run.h"

namespace sardonyx::test {
namespace {

// Output 0 of the operator on one input.
std::vector<float> apply(const char* type, const ConstantPtr& x, AttributeList attributes,
                         const Shape& expected) {
  GraphBuilder g;
  g.output(g.node(type, {g.input("x", x->shape, x->dtype)}, std::move(attributes), "ai.onnx.ml"),
           "y");
  const auto session = compile(g);
  Run run(*session);
  feed(run, 0, x);
  finish(run);
  CHECK(run.output(0).shape == expected);
  return floats_of(run.output(0));
}

using Floats = std::vector<float>;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

}  // namespace

TEST_CASE("ArrayFeatureExtractor takes columns", "[features]") {
  for (const bool row : {true, false}) {
    GraphBuilder g;
    const ValueId x = g.input("x", row ? Shape{3} : Shape{2, 3});
    const ValueId y = g.input("y", {1, 2}, DType::kInt64);
    g.output(g.node("ArrayFeatureExtractor", {x, y}, {}, "ai.onnx.ml"), "z");
    const auto session = compile(g);
    Run run(*session);
    feed(run, 0,
         row ? floats_constant({3}, {1, 2, 3}) : floats_constant({2, 3}, {1, 2, 3, 4, 5, 6}));
    feed(run, 1, ints_constant({1, 2}, {2, 0}));
    finish(run);
    CHECK(run.output(0).shape == (row ? Shape{1, 2} : Shape{2, 2}));
    CHECK(floats_of(run.output(0)) == (row ? Floats{3, 1} : Floats{3, 1, 6, 4}));
    feed(run, 1, ints_constant({1, 2}, {2, 3}));
    REQUIRE(run.start().ok());
    CHECK(run.advance(0).status().code() == ErrorCode::INDEX_RANGE);
  }
}

TEST_CASE("Binarizer, Scaler and Normalizer", "[features]") {
  const ConstantPtr x = floats_constant({2, 2}, {3, -4, 0, 0});
  CHECK(apply("Binarizer", x, {{"threshold", -1.0f}}, {2, 2}) == Floats{1, 0, 1, 1});
  CHECK(apply("Scaler", x, {{"offset", Floats{1, 2}}, {"scale", Floats{2}}}, {2, 2}) ==
        Floats{4, -12, -2, -4});
  CHECK(apply("Scaler", ints_constant({2}, {3, 4}), {}, {2}) == Floats{3, 4});
  CHECK(apply("Normalizer", x, {{"norm", std::string("L2")}}, {2, 2}) == Floats{0.6f, -0.8f, 0, 0});
  CHECK(apply("Normalizer", x, {{"norm", std::string("MAX")}}, {2, 2}) ==
        Floats{1, -4.0f / 3, 0, 0});
  const Floats l1 = apply("Normalizer", x, {{"norm", std::string("L1")}}, {2, 2});
  CHECK(l1 == Floats{3.0f / 7, -4.0f / 7, 0, 0});
}

TEST_CASE("Imputer replaces a value or NaN", "[features]") {
  const ConstantPtr x = floats_constant({2, 2}, {kNaN, 1, 5, kNaN});
  CHECK(apply("Imputer", x,
              {{"imputed_value_floats", Floats{8, 9}}, {"replaced_value_float", kNaN}},
              {2, 2}) == Floats{8, 1, 5, 9});
  CHECK(apply("Imputer", floats_constant({2}, {1, 5}),
              {{"imputed_value_floats", Floats{0}}, {"replaced_value_float", 5.0f}},
              {2}) == Floats{1, 0});
}

TEST_CASE("OneHotEncoder of strings and integers", "[features]") {
  CHECK(apply("OneHotEncoder", strings_constant({"b", "x", "a"}),
              {{"cats_strings", std::vector<std::string>{"a", "b"}}},
              {3, 2}) == Floats{0, 1, 0, 0, 1, 0});
  CHECK(apply("OneHotEncoder", floats_constant({1, 2}, {7, 5}), {{"cats_int64s", ints({5, 6, 7})}},
              {1, 2, 3}) == Floats{0, 0, 1, 1, 0, 0});
}

TEST_CASE("FeatureVectorizer puts inputs side by side", "[features]") {
  GraphBuilder g;
  const ValueId a = g.input("a", {2, 1}), b = g.input("b", {2, 2}, DType::kInt64);
  g.output(g.node("FeatureVectorizer", {a, b}, {}, "ai.onnx.ml"), "y");
  const auto session = compile(g);
  Run run(*session);
  feed(run, 0, floats_constant({2, 1}, {1, 2}));
  feed(run, 1, ints_constant({2, 2}, {3, 4, 5, 6}));
  finish(run);
  CHECK(floats_of(run.output(0)) == Floats{1, 3, 4, 2, 5, 6});
}

TEST_CASE("attributes of feature operators are checked", "[features]") {
  GraphBuilder norm;
  norm.output(
      norm.node("Normalizer", {norm.input("x", {2})}, {{"norm", std::string("L3")}}, "ai.onnx.ml"));
  CHECK(failure_of(norm, {}) == "ATTRIBUTE_INVALID");
  GraphBuilder scale;
  scale.output(
      scale.node("Scaler", {scale.input("x", {2})}, {{"scale", Floats{1, 2, 3}}}, "ai.onnx.ml"));
  CHECK(failure_of(scale, {}) == "SHAPE_MISMATCH");
}

}  // namespace sardonyx::test
