// Layer normalizations of com.microsoft that add something first.
#include "engine/functions/function_body.h"

namespace sardonyx::functions {
namespace {

Attributes epsilon_of(const FunctionBody& body) {
  Attributes out;
  out.set("epsilon", body.attributes().get_float("epsilon", 1e-12f));
  return out;
}

// input + skip + bias, the bias being input `bias`, which may be left out; also output 3.
ValueId skip_sum(FunctionBody& body, size_t bias) {
  ValueId sum = body.op("Add", {body.input(0), body.input(1)});
  if (body.has_input(bias)) sum = body.op("Add", {sum, body.input(bias)});
  body.output(3, sum);
  return sum;
}

}  // namespace

// output, mean, inverse deviation, sum = (input, skip, gamma, beta, bias)
Status expand_skip_layer_norm(FunctionBody& body) {
  SX_TRY(body.require_inputs(3));
  const ValueId sum = skip_sum(body, 4);
  const size_t wanted = body.has_output(2) ? 3 : body.has_output(1) ? 2 : 1;
  const auto results =
      body.ops("LayerNormalization", {sum, body.input(2), body.input(3)}, wanted, epsilon_of(body));
  for (size_t i = 0; i < results.size(); ++i) body.output(i, results[i]);
  return {};
}

// output, -, inverse root mean square, sum = (input, skip, gamma, bias)
Status expand_skip_simplified_layer_norm(FunctionBody& body) {
  SX_TRY(body.require_inputs(3));
  const ValueId sum = skip_sum(body, 3);
  const auto results = body.ops("SimplifiedLayerNormalization", {sum, body.input(2)},
                                body.has_output(2) ? 2 : 1, epsilon_of(body));
  body.output(0, results[0]);
  if (body.has_output(2)) body.output(2, results[1]);
  return {};
}

namespace {

// 0, 1, … for each token of a row of input 0, [batch, length].
ValueId places_in_row(FunctionBody& body) {
  Attributes second;
  second.set("start", int64_t{1});
  const ValueId length = body.op("Shape", {body.input(0)}, std::move(second));
  const ValueId none = body.scalar(DType::kInt64, 0), one = body.scalar(DType::kInt64, 1);
  return body.op("Range", {none, body.op("Squeeze", {length}), one});
}

// The tokens of each row that the mask, input `mask`, shows.
ValueId mask_counts(FunctionBody& body, size_t mask) {
  if (body.has_input(mask)) {
    Attributes flat;
    flat.set("keepdims", int64_t{0});
    return body.op("ReduceSum", {body.input(mask), body.ints({1})}, std::move(flat));
  }
  Attributes first;
  first.set("end", int64_t{1});
  const ValueId batch = body.op("Shape", {body.input(0)}, std::move(first));
  return body.op("Expand", {body.scalar(DType::kInt32, 0), batch});
}

}  // namespace

// output, mask counts, sum = (ids, segments, words, positions, segment table, gamma, beta, mask,
// position ids)
Status expand_embed_layer_norm(FunctionBody& body) {
  for (size_t i : {0, 2, 3, 5, 6}) {
    if (!body.has_input(i)) return error(ErrorCode::GRAPH_INPUT_MISSING, "input %zu is missing", i);
  }
  if (body.has_input(1) != body.has_input(4)) {
    return error(ErrorCode::GRAPH_INPUT_MISSING, "segment ids and their table come together");
  }
  const ValueId places = body.has_input(8) ? body.input(8) : places_in_row(body);
  ValueId sum = body.op("Add", {body.op("Gather", {body.input(2), body.input(0)}),
                                body.op("Gather", {body.input(3), places})});
  if (body.has_input(1)) {
    sum = body.op("Add", {sum, body.op("Gather", {body.input(4), body.input(1)})});
  }
  body.output(0,
              body.op("LayerNormalization", {sum, body.input(5), body.input(6)}, epsilon_of(body)));
  if (body.has_output(1)) body.output(1, mask_counts(body, 7));
  body.output(2, sum);
  return {};
}

}  // namespace sardonyx::functions
