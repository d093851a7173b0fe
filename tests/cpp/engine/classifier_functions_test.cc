// ai.onnx.ml: linear models and trees.
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>

#include "tests/cpp/engine/value_run.h"

namespace sardonyx::test {
namespace {

using Floats = std::vector<float>;
using Strings = std::vector<std::string>;

struct Results {
  std::vector<std::string> labels;
  Floats scores;
};

// Two trees. Tree 0 asks x0 <= 1, then x1 > 0; tree 1 is a leaf.
AttributeList two_trees() {
  return {{"nodes_treeids", ints({0, 0, 0, 0, 0, 1})},
          {"nodes_nodeids", ints({0, 1, 2, 3, 4, 0})},
          {"nodes_featureids", ints({0, 0, 1, 0, 0, 0})},
          {"nodes_modes", Strings{"BRANCH_LEQ", "LEAF", "BRANCH_GT", "LEAF", "LEAF", "LEAF"}},
          {"nodes_values", Floats{1, 0, 0, 0, 0, 0}},
          {"nodes_truenodeids", ints({1, 0, 3, 0, 0, 0})},
          {"nodes_falsenodeids", ints({2, 0, 4, 0, 0, 0})},
          {"nodes_missing_value_tracks_true", ints({1, 0, 0, 0, 0, 0})}};
}

AttributeList with(AttributeList list, AttributeList more) {
  for (Attribute& attribute : more) {
    std::erase_if(list, [&](const Attribute& old) { return old.name == attribute.name; });
    list.push_back(std::move(attribute));
  }
  return list;
}

AttributeList weighted(const std::string& prefix, std::vector<int64_t> ids, Floats weights) {
  return with(two_trees(), {{prefix + "_treeids", ints({0, 0, 0, 1})},
                            {prefix + "_nodeids", ints({1, 3, 4, 0})},
                            {prefix + "_ids", std::move(ids)},
                            {prefix + "_weights", std::move(weights)}});
}

const Floats kRows = {0, 5, 2, 1, 2, -1, std::numeric_limits<float>::quiet_NaN(), 0};

Floats regress(const char* type, AttributeList attributes, const Shape& expected) {
  GraphBuilder g;
  g.output(g.node(type, {g.input("x", {4, 2})}, std::move(attributes), "ai.onnx.ml"), "y");
  const auto session = compile(g);
  Run run(*session);
  feed(run, 0, floats_constant({4, 2}, kRows));
  finish(run);
  CHECK(run.output(0).shape == expected);
  return floats_of(run.output(0));
}

Results classify(const char* type, AttributeList attributes) {
  GraphBuilder g;
  const ValueId x = g.input("x", {4, 2});
  const auto outputs = g.nodes(type, {x}, 2, std::move(attributes));
  g.output(outputs[0], "labels");
  g.output(outputs[1], "scores");
  auto graph = g.raw();
  graph->nodes[0].domain = "ai.onnx.ml";
  auto session = Session::create(std::move(graph));
  INFO(session.status().message());
  REQUIRE(session.ok());
  Run run(**session);
  feed(run, 0, floats_constant({4, 2}, kRows));
  finish(run);
  Results results;
  if (run.output(0).dtype == DType::kString) {
    results.labels = strings_of(run.output(0));
  } else {
    for (const int64_t label : ints_of(run.output(0)))
      results.labels.push_back(std::to_string(label));
  }
  results.scores = floats_of(run.output(1));
  return results;
}

void check_near(const Floats& actual, const Floats& expected) {
  REQUIRE(actual.size() == expected.size());
  for (size_t i = 0; i < expected.size(); ++i) CHECK(std::fabs(actual[i] - expected[i]) < 1e-5f);
}

float sigmoid(float x) {
  return 1 / (1 + std::exp(-x));
}

std::string_view tree_failure(AttributeList changes) {
  GraphBuilder g;
  AttributeList list = weighted("target", {0, 0, 0, 0}, {10, 20, 30, 1});
  g.output(g.node("TreeEnsembleRegressor", {g.input("x", {4, 2})},
                  with(std::move(list), std::move(changes)), "ai.onnx.ml"),
           "y");
  return failure_of(g, {floats_constant({4, 2}, kRows)});
}

}  // namespace

TEST_CASE("TreeEnsembleRegressor adds up leaves", "[trees]") {
  const AttributeList sum = weighted("target", {0, 0, 0, 0}, {10, 20, 30, 1});
  CHECK(regress("TreeEnsembleRegressor", sum, {4, 1}) == Floats{11, 21, 31, 11});
  const auto aggregate = [&](const char* name) {
    return with(sum, {{"aggregate_function", std::string(name)}, {"base_values", Floats{100}}});
  };
  CHECK(regress("TreeEnsembleRegressor", aggregate("AVERAGE"), {4, 1}) ==
        Floats{105.5f, 110.5f, 115.5f, 105.5f});
  CHECK(regress("TreeEnsembleRegressor", aggregate("MIN"), {4, 1}) == Floats{101, 101, 101, 101});
  CHECK(regress("TreeEnsembleRegressor", aggregate("MAX"), {4, 1}) == Floats{110, 120, 130, 110});
  const AttributeList two =
      with(weighted("target", {0, 1, 0, 1}, {10, 20, 30, 1}), {{"n_targets", int64_t{2}}});
  CHECK(regress("TreeEnsembleRegressor", two, {4, 2}) == Floats{10, 1, 0, 21, 30, 1, 10, 1});
}

TEST_CASE("TreeEnsembleClassifier takes the class with the highest score", "[trees]") {
  const AttributeList three = with(weighted("class", {0, 1, 2, 0}, {2, 3, 4, 1}),
                                   {{"classlabels_strings", Strings{"a", "b", "c"}}});
  const Results results = classify("TreeEnsembleClassifier", three);
  CHECK(results.labels == Strings{"a", "b", "c", "a"});
  CHECK(results.scores == Floats{3, 0, 0, 1, 3, 0, 1, 0, 4, 3, 0, 0});
}

TEST_CASE("two classes may have one score", "[trees]") {
  const AttributeList labels = {{"classlabels_int64s", ints({7, 8})}};
  const Results positive =
      classify("TreeEnsembleClassifier",
               with(weighted("class", {0, 0, 0, 0}, {0.1f, 0.6f, 0.2f, 0.1f}), labels));
  CHECK(positive.labels == Strings{"7", "8", "7", "7"});
  check_near(positive.scores, {0.8f, 0.2f, 0.3f, 0.7f, 0.7f, 0.3f, 0.8f, 0.2f});
  const Results mixed = classify("TreeEnsembleClassifier",
                                 with(with(weighted("class", {0, 0, 0, 0}, {-2, 3, 1, -1}), labels),
                                      {{"post_transform", std::string("LOGISTIC")}}));
  CHECK(mixed.labels == Strings{"7", "8", "7", "7"});
  check_near(mixed.scores, {sigmoid(3), sigmoid(-3), sigmoid(-2), sigmoid(2), sigmoid(0),
                            sigmoid(0), sigmoid(3), sigmoid(-3)});
}

TEST_CASE("lists of trees that do not fit, and nodes that are no trees, are refused", "[trees]") {
  CHECK(tree_failure({}) == "OK");
  CHECK(tree_failure({{"nodes_values", Floats{1}}}) == "ATTRIBUTE_INVALID");
  CHECK(tree_failure({{"nodes_modes", Strings(6, "BRANCH_XX")}}) == "ATTRIBUTE_INVALID");
  CHECK(tree_failure({{"nodes_truenodeids", ints({9, 0, 3, 0, 0, 0})}}) == "ATTRIBUTE_INVALID");
  CHECK(tree_failure({{"nodes_truenodeids", ints({1, 0, 0, 0, 0, 0})}}) == "ATTRIBUTE_INVALID");
  CHECK(tree_failure({{"nodes_nodeids", ints({0, 1, 2, 3, 3, 0})}}) == "ATTRIBUTE_INVALID");
  CHECK(tree_failure({{"nodes_featureids", ints({0, 0, 2, 0, 0, 0})}}) == "SHAPE_MISMATCH");
  CHECK(tree_failure({{"nodes_featureids", ints({0, 0, -2, 0, 0, 0})}}) == "ATTRIBUTE_INVALID");
  CHECK(tree_failure({{"target_ids", ints({0, 0, 0, 1})}}) == "ATTRIBUTE_INVALID");
  CHECK(tree_failure({{"target_ids", ints({0, 0, 0, -1})}}) == "ATTRIBUTE_INVALID");
  CHECK(tree_failure({{"target_weights", Floats{1}}}) == "ATTRIBUTE_INVALID");
  CHECK(tree_failure({{"n_targets", int64_t{0}}}) == "ATTRIBUTE_INVALID");
  CHECK(tree_failure({{"n_targets", INT64_MAX}}) == "ATTRIBUTE_INVALID");
  CHECK(tree_failure({{"base_values", Floats{1, 2}}}) == "ATTRIBUTE_INVALID");
  CHECK(tree_failure({{"aggregate_function", std::string("MEDIAN")}}) == "ATTRIBUTE_INVALID");
  CHECK(tree_failure({{"post_transform", std::string("PROBIT")}}) == "MODEL_UNSUPPORTED");
}

TEST_CASE("linear models", "[linear]") {
  const AttributeList two = {{"coefficients", Floats{1, 0, 0, 2}}, {"intercepts", Floats{10, 20}}};
  const Floats y = regress("LinearRegressor", with(two, {{"targets", int64_t{2}}}), {4, 2});
  CHECK(Floats(y.begin(), y.begin() + 6) == Floats{10, 30, 12, 22, 12, 18});
  const Results results =
      classify("LinearClassifier", with(two, {{"classlabels_strings", Strings{"low", "high"}},
                                              {"post_transform", std::string("SOFTMAX")}}));
  CHECK(results.labels[0] == "high");
  CHECK(std::fabs(results.scores[0] + results.scores[1] - 1) < 1e-5f);
  const Results binary =
      classify("LinearClassifier", {{"coefficients", Floats{-1, 1}},
                                    {"intercepts", Floats{0}},
                                    {"classlabels_ints", ints({3, 4})},
                                    {"post_transform", std::string("LOGISTIC")}});
  CHECK(binary.labels[0] == "4");
  CHECK(binary.labels[1] == "3");
  check_near({binary.scores[0], binary.scores[1]}, {sigmoid(-5), sigmoid(5)});
  GraphBuilder g;
  g.output(g.node("LinearRegressor", {g.input("x", {4, 2})},
                  {{"coefficients", Floats{1, 2, 3}}, {"targets", int64_t{2}}}, "ai.onnx.ml"));
  CHECK(failure_of(g, {}) == "ATTRIBUTE_INVALID");
}

}  // namespace sardonyx::test
