// ai.onnx.ml: preparing features for a model.
#include <string>

#include "engine/functions/function_body.h"

namespace sardonyx::functions {
namespace {

Attributes with(std::string name, int64_t value) {
  Attributes attributes;
  attributes.set(std::move(name), value);
  return attributes;
}

// Per feature, or one for all.
ValueId list(FunctionBody& body, const char* name, DType dtype) {
  const auto values = body.attributes().get_floats(name);
  return body.floats(dtype, {static_cast<int64_t>(values.size())}, values);
}

ValueId as_float(FunctionBody& body, size_t input) {
  const ValueId x = body.input(input);
  return body.dtype(input) == DType::kFloat32 ? x : body.cast(x, DType::kFloat32);
}

}  // namespace

// Columns of the last axis; of a single row as a row.
Status expand_array_feature_extractor(FunctionBody& body) {
  SX_TRY(body.require_inputs(2));
  SX_ASSIGN(const int rank, body.rank(0));
  const ValueId places = body.op("Reshape", {body.input(1), body.ints({-1})});
  const ValueId picked = body.op("Gather", {body.input(0), places}, with("axis", -1));
  body.output(0, rank == 1 ? body.op("Unsqueeze", {picked, body.ints({0})}) : picked);
  return {};
}

Status expand_binarizer(FunctionBody& body) {
  SX_TRY(body.require_inputs(1));
  const ValueId threshold =
      body.scalar(body.dtype(0), body.attributes().get_float("threshold", 0.0f));
  body.output(0, body.cast(body.op("Greater", {body.input(0), threshold}), body.dtype(0)));
  return {};
}

// All inputs as the columns of one tensor.
Status expand_feature_vectorizer(FunctionBody& body) {
  SX_TRY(body.require_inputs(body.input_count()));
  std::vector<ValueId> parts;
  for (size_t i = 0; i < body.input_count(); ++i) {
    SX_ASSIGN(const int rank, body.rank(i));
    const ValueId part = as_float(body, i);
    parts.push_back(rank == 1 ? body.op("Unsqueeze", {part, body.ints({0})}) : part);
  }
  body.output(0, body.op("Concat", parts, with("axis", 1)));
  return {};
}

// Elements equal to the replaced value (NaN too) become the imputed one of their column.
Status expand_imputer(FunctionBody& body) {
  SX_TRY(body.require_inputs(1));
  const ValueId x = body.input(0);
  const DType dtype = body.dtype(0);
  const Attributes& attributes = body.attributes();
  if (dtype == DType::kInt64) {
    const auto imputed = attributes.get_ints("imputed_value_int64s");
    const auto replaced = static_cast<double>(attributes.get_int("replaced_value_int64", 0));
    const ValueId hit = body.op("Equal", {x, body.scalar(dtype, replaced)});
    body.output(0, body.op("Where", {hit, body.ints({imputed.begin(), imputed.end()}), x}));
    return {};
  }
  const float replaced = attributes.get_float("replaced_value_float", 0.0f);
  const ValueId hit = replaced == replaced
                          ? body.op("Equal", {x, body.scalar(dtype, double{replaced})})
                          : body.op("IsNaN", {x});
  body.output(0, body.op("Where", {hit, list(body, "imputed_value_floats", dtype), x}));
  return {};
}

// Rows divided by their norm; rows of norm 0 stay.
Status expand_normalizer(FunctionBody& body) {
  SX_TRY(body.require_inputs(1));
  const std::string_view norm = body.attributes().get_string("norm", "MAX");
  const char* reduction = norm == "MAX"  ? "ReduceMax"
                          : norm == "L1" ? "ReduceL1"
                          : norm == "L2" ? "ReduceL2"
                                         : nullptr;
  if (!reduction) return error(ErrorCode::ATTRIBUTE_INVALID, "attribute 'norm' is not known");
  const ValueId x = as_float(body, 0);
  const ValueId size = body.op(reduction, {x, body.ints({-1})});
  const ValueId none = body.op("Equal", {size, body.scalar(DType::kFloat32, 0)});
  const ValueId divisor = body.op("Where", {none, body.scalar(DType::kFloat32, 1), size});
  body.output(0, body.op("Div", {x, divisor}));
  return {};
}

// A new last axis with a one at the place of each element's category. An unknown category is all
// zeros: `zeros` = 0, which asks for a failure then, is not looked at.
Status expand_one_hot_encoder(FunctionBody& body) {
  SX_TRY(body.require_inputs(1));
  const auto strings = body.attributes().get_strings("cats_strings");
  const auto ints = body.attributes().get_ints("cats_int64s");
  const bool text = !strings.empty();
  const ValueId categories = text ? body.strings(strings) : body.ints({ints.begin(), ints.end()});
  ValueId x = body.input(0);
  if (!text && body.dtype(0) != DType::kInt64) x = body.cast(x, DType::kInt64);
  const ValueId column = body.op("Unsqueeze", {x, body.ints({-1})});
  body.output(0, body.cast(body.op("Equal", {column, categories}), DType::kFloat32));
  return {};
}

Status expand_scaler(FunctionBody& body) {
  SX_TRY(body.require_inputs(1));
  ValueId x = as_float(body, 0);
  if (body.attributes().has("offset"))
    x = body.op("Sub", {x, list(body, "offset", DType::kFloat32)});
  if (body.attributes().has("scale")) x = body.op("Mul", {x, list(body, "scale", DType::kFloat32)});
  body.output(0, x);
  return {};
}

}  // namespace sardonyx::functions
