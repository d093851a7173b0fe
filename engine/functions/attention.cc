// Attention of com.microsoft, whose projections are its own, and FlexAttention, whose scores pass
// through graphs.
#include <cmath>

#include "engine/bodies.h"
#include "engine/functions/function_body.h"

namespace sardonyx::functions {
namespace {

Attributes with_int(const char* name, int64_t value) {
  Attributes out;
  out.set(name, value);
  return out;
}

// Element `i` of the first axis, which has two.
std::vector<ValueId> halves(FunctionBody& body, ValueId value) {
  Attributes attributes = with_int("axis", 0);
  attributes.set("num_outputs", int64_t{2});
  std::vector<ValueId> out = body.ops("Split", {value}, 2, std::move(attributes));
  for (ValueId& half : out) half = body.op("Squeeze", {half, body.ints({0})});
  return out;
}

// Queries, keys and values of the projection of input 0.
std::vector<ValueId> project(FunctionBody& body) {
  ValueId all = body.op("MatMul", {body.input(0), body.input(1)});
  if (body.has_input(2)) all = body.op("Add", {all, body.input(2)});
  const auto sizes = body.attributes().get_ints("qkv_hidden_sizes");
  if (!sizes.empty()) {
    return body.ops("Split", {all, body.ints({sizes.begin(), sizes.end()})}, 3,
                    with_int("axis", 2));
  }
  Attributes attributes = with_int("axis", 2);
  attributes.set("num_outputs", int64_t{3});
  return body.ops("Split", {all}, 3, std::move(attributes));
}

}  // namespace

// output, present = (input, weights, bias, mask, past, score bias)
Status expand_ms_attention(FunctionBody& body) {
  SX_TRY(body.require_inputs(2));
  for (const char* name : {"do_rotary", "past_present_share_buffer"}) {
    if (body.attributes().get_int(name, 0) == 0) continue;
    return error(ErrorCode::MODEL_UNSUPPORTED, "attribute '%s' is not supported", name);
  }
  Attributes attributes;
  for (const Attribute& attribute : body.attributes().all()) {
    attributes.set(attribute.name, attribute.value);
  }
  const std::vector<ValueId> qkv = project(body);
  std::vector<ValueId> past = {kNoValue, kNoValue};
  if (body.has_input(4)) past = halves(body, body.input(4));
  const auto results =
      body.ops("MultiHeadAttention",
               {qkv[0], qkv[1], qkv[2], kNoValue, body.input(3), body.input(5), past[0], past[1]},
               body.has_output(1) ? 3 : 1, std::move(attributes), "com.microsoft");
  body.output(0, results[0]);
  if (!body.has_output(1)) return {};
  const ValueId first = body.ints({0});
  body.output(1, body.op("Concat",
                         {body.op("Unsqueeze", {results[1], first}),
                          body.op("Unsqueeze", {results[2], first})},
                         with_int("axis", 0)));
  return {};
}

namespace {

// Heads of input i repeated to as many as the queries have.
Result<ValueId> shared_heads(FunctionBody& body, size_t i) {
  for (size_t input : {size_t{0}, i}) {
    SX_ASSIGN(const int rank, body.rank(input));
    if (rank != 4) return error(ErrorCode::SHAPE_MISMATCH, "input %zu has rank %d", input, rank);
  }
  const int64_t heads = body.facts(0).shape[1], own = body.facts(i).shape[1];
  if (heads == own && heads != kUnknownDim) return body.input(i);
  if (heads <= 0 || own <= 0 || heads % own != 0 || heads > 4096) {
    return error(ErrorCode::SHAPE_MISMATCH, "%lld heads of queries, %lld of input %zu",
                 static_cast<long long>(heads), static_cast<long long>(own), i);
  }
  std::vector<int64_t> from;
  for (int64_t head = 0; head < heads; ++head) from.push_back(head / (heads / own));
  return body.op("Gather", {body.input(i), body.ints(from)}, with_int("axis", 1));
}

// What the graph in attribute `name` makes of the scores.
Result<ValueId> modify(FunctionBody& body, const char* name, ValueId scores) {
  if (!body.attributes().has(name)) return scores;
  SX_ASSIGN(const Body graph, require_body(body.caller(), name));
  std::vector<ValueId> inputs = {scores};
  for (size_t i = 0; i < graph.graph->captured; ++i) {
    inputs.push_back(body.input(graph.first_capture + i));
  }
  SX_ASSIGN(const std::vector<ValueId> outputs, body.inline_graph(*graph.graph, inputs));
  if (outputs.size() == 1) return outputs[0];
  return error(ErrorCode::MODEL_MALFORMED, "the graph '%s' has %zu outputs", name, outputs.size());
}

}  // namespace

Status expand_flex_attention(FunctionBody& body) {
  SX_TRY(body.require_inputs(3));
  const Attributes& attributes = body.attributes();
  SX_ASSIGN(const ValueId k, shared_heads(body, 1));
  SX_ASSIGN(const ValueId v, shared_heads(body, 2));
  const int64_t size = body.facts(0).shape[3];
  float scale = attributes.get_float("scale", 0.0f);
  if (!attributes.has("scale")) {
    if (size <= 0) return error(ErrorCode::MODEL_UNSUPPORTED, "the head size is not known");
    scale = 1 / std::sqrt(static_cast<float>(size));
  }
  Attributes order;
  order.set("perm", std::vector<int64_t>{0, 1, 3, 2});
  const DType dtype = body.dtype(0);
  // 16-bit floats are multiplied and softened in float32; the graphs take what the inputs are.
  const bool narrow = dtype == DType::kFloat16 || dtype == DType::kBfloat16;
  const auto wide = [&](ValueId x) { return narrow ? body.cast(x, DType::kFloat32) : x; };
  const auto narrowed = [&](ValueId x) { return narrow ? body.cast(x, dtype) : x; };
  const ValueId keys = body.op("Transpose", {wide(k)}, std::move(order));
  const ValueId products = body.op("MatMul", {wide(body.input(0)), keys});
  const ValueId factor = body.scalar(narrow ? DType::kFloat32 : dtype, scale);
  ValueId scores = narrowed(body.op("Mul", {products, factor}));
  SX_ASSIGN(scores, modify(body, "score_mod", scores));
  ValueId shares = narrowed(body.op("Softmax", {wide(scores)}));
  SX_ASSIGN(shares, modify(body, "prob_mod", shares));
  body.output(0, narrowed(body.op("MatMul", {wide(shares), wide(v)})));
  return {};
}

}  // namespace sardonyx::functions
