// ai.onnx.ml: linear models and trees, from scores to classes and probabilities.
#include <algorithm>
#include <string>

#include "engine/functions/function_body.h"

namespace sardonyx::functions {
namespace {

Attributes with(std::string name, int64_t value) {
  Attributes attributes;
  attributes.set(std::move(name), value);
  return attributes;
}

// Of numbers 0 to 4, as TreeEnsemble has them.
Result<std::string_view> post_transform(const FunctionBody& body) {
  constexpr std::string_view kNames[] = {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"};
  const int64_t number = body.attributes().get_int("post_transform", 0);
  if (number < 0 || number > 4) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "attribute 'post_transform' is not known");
  }
  return body.attributes().get_string("post_transform", kNames[number]);
}

Result<ValueId> transformed(FunctionBody& body, ValueId scores) {
  SX_ASSIGN(const std::string_view name, post_transform(body));
  if (name == "NONE") return scores;
  if (name == "LOGISTIC") return body.op("Sigmoid", {scores});
  if (name == "SOFTMAX") return body.op("Softmax", {scores}, with("axis", -1));
  return error(ErrorCode::MODEL_UNSUPPORTED, "post_transform %s is not supported",
               std::string(name).c_str());
}

// x · coefficientsᵀ + intercepts, one column per intercept or `targets`.
Result<ValueId> linear_scores(FunctionBody& body, int64_t targets) {
  SX_TRY(body.require_inputs(1));
  const auto weights = body.attributes().get_floats("coefficients");
  const auto intercepts = body.attributes().get_floats("intercepts");
  const auto count = static_cast<int64_t>(weights.size());
  if (targets < 1 || count == 0 || count % targets != 0) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "%zu coefficients for %lld targets", weights.size(),
                 static_cast<long long>(targets));
  }
  SX_ASSIGN(const int rank, body.rank(0));
  ValueId x = body.input(0);
  if (body.dtype(0) != DType::kFloat32) x = body.cast(x, DType::kFloat32);
  if (rank == 1) x = body.op("Unsqueeze", {x, body.ints({0})});
  const ValueId matrix = body.floats(DType::kFloat32, {targets, count / targets}, weights);
  std::vector<ValueId> operands = {x, matrix};
  if (!intercepts.empty()) operands.push_back(body.floats(DType::kFloat32, {targets}, intercepts));
  return body.op("Gemm", operands, with("transB", 1));
}

size_t label_count(const FunctionBody& body, const char* ints) {
  const size_t strings = body.attributes().get_strings("classlabels_strings").size();
  return strings ? strings : body.attributes().get_ints(ints).size();
}

// Output 0: the label of each class number.
void put_labels(FunctionBody& body, const char* ints, ValueId classes) {
  const auto strings = body.attributes().get_strings("classlabels_strings");
  const auto numbers = body.attributes().get_ints(ints);
  const ValueId labels =
      strings.empty() ? body.ints({numbers.begin(), numbers.end()}) : body.strings(strings);
  body.output(0, body.op("Gather", {labels, classes}));
}

Attributes argmax_attributes() {
  Attributes attributes = with("axis", 1);
  attributes.set("keepdims", int64_t{0});
  return attributes;
}

// One score per row says how much it is of class 1: labels, and scores of both classes.
Status put_binary(FunctionBody& body, const char* ints, ValueId score, double threshold,
                  bool complement) {
  const ValueId is_one = body.op("Greater", {score, body.scalar(DType::kFloat32, threshold)});
  const ValueId flat = body.op("Squeeze", {is_one, body.ints({1})});
  put_labels(body, ints, body.cast(flat, DType::kInt64));
  ValueId other = complement ? body.op("Sub", {body.scalar(DType::kFloat32, 1), score})
                             : body.op("Neg", {score});
  if (!complement) {
    SX_ASSIGN(const std::string_view name, post_transform(body));
    if (name == "LOGISTIC") {
      score = body.op("Sigmoid", {score});
      other = body.op("Sigmoid", {other});
    }
  }
  body.output(1, body.op("Concat", {other, score}, with("axis", 1)));
  return {};
}

Status put_classes(FunctionBody& body, const char* ints, ValueId scores) {
  put_labels(body, ints, body.op("ArgMax", {scores}, argmax_attributes()));
  SX_ASSIGN(const ValueId probabilities, transformed(body, scores));
  body.output(1, probabilities);
  return {};
}

ValueId tree_scores(FunctionBody& body) {
  Attributes attributes;
  for (const Attribute& attribute : body.attributes().all()) {
    attributes.set(attribute.name, attribute.value);
  }
  return body.op("TreeScores", {body.input(0)}, std::move(attributes), "sardonyx");
}

ValueId as_float(FunctionBody& body, ValueId scores) {
  const bool is_float = body.dtype(0) != DType::kFloat64 && body.dtype(0) != DType::kFloat16;
  return is_float ? scores : body.cast(scores, DType::kFloat32);
}

}  // namespace

Status expand_linear_regressor(FunctionBody& body) {
  SX_ASSIGN(const ValueId scores, linear_scores(body, body.attributes().get_int("targets", 1)));
  SX_ASSIGN(const ValueId results, transformed(body, scores));
  body.output(0, results);
  return {};
}

Status expand_linear_classifier(FunctionBody& body) {
  constexpr const char* kInts = "classlabels_ints";
  const size_t labels = label_count(body, kInts);
  const size_t intercepts = body.attributes().get_floats("intercepts").size();
  const size_t targets = intercepts ? intercepts : labels;
  SX_ASSIGN(const ValueId scores, linear_scores(body, static_cast<int64_t>(targets)));
  if (targets == 1 && labels == 2) {
    SX_ASSIGN(const std::string_view name, post_transform(body));
    return put_binary(body, kInts, scores, 0, name != "LOGISTIC");
  }
  if (targets != labels) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "%zu class labels for %zu scores", labels, targets);
  }
  return put_classes(body, kInts, scores);
}

Status expand_tree_ensemble(FunctionBody& body) {
  SX_TRY(body.require_inputs(1));
  SX_ASSIGN(const ValueId results, transformed(body, tree_scores(body)));
  body.output(0, results);
  return {};
}

Status expand_tree_ensemble_regressor(FunctionBody& body) {
  SX_TRY(body.require_inputs(1));
  SX_ASSIGN(const ValueId results, transformed(body, as_float(body, tree_scores(body))));
  body.output(0, results);
  return {};
}

// Trees with two labels may score only one class: positive weights are probabilities then.
Status expand_tree_ensemble_classifier(FunctionBody& body) {
  SX_TRY(body.require_inputs(1));
  constexpr const char* kInts = "classlabels_int64s";
  const Attributes& attributes = body.attributes();
  const auto ids = attributes.get_ints("class_ids");
  const ValueId scores = as_float(body, tree_scores(body));
  const bool one_class =
      !ids.empty() && std::all_of(ids.begin(), ids.end(), [&](int64_t id) { return id == ids[0]; });
  if (label_count(body, kInts) != 2 || !one_class) return put_classes(body, kInts, scores);
  const auto weights = attributes.get_floats("class_weights");
  const bool positive =
      std::all_of(weights.begin(), weights.end(), [](float weight) { return weight >= 0; });
  const ValueId score = body.op("Gather", {scores, body.ints({ids[0]})}, with("axis", 1));
  return put_binary(body, kInts, score, positive ? 0.5 : 0, positive);
}

}  // namespace sardonyx::functions
