// Operators of com.microsoft on quantized tensors: on floats between DequantizeLinear and
// QuantizeLinear, which the passes turn into integer operators where there are such.
#include <string>
#include <utility>
#include <vector>

#include "engine/functions/function_body.h"

namespace sardonyx::functions {
namespace {

// Inputs [first, first + 3): a tensor, its scale and its zero point.
ValueId dequantized(FunctionBody& body, size_t first) {
  return body.op("DequantizeLinear",
                 {body.input(first), body.input(first + 1), body.input(first + 2)});
}

// Output 0 is x, with the scale at input `first` and the zero point behind it.
void quantize_output(FunctionBody& body, ValueId x, size_t first) {
  body.output(0, body.op("QuantizeLinear", {x, body.input(first), body.input(first + 1)}));
}

// (x, x scale, x zero point, y scale, y zero point) through one operator.
Status expand_map(FunctionBody& body, std::string_view type, Attributes attributes = {}) {
  SX_TRY(body.require_inputs(2));
  if (!body.has_input(3)) {
    return error(ErrorCode::GRAPH_INPUT_MISSING, "the scale of the output is missing");
  }
  quantize_output(body, body.op(type, {dequantized(body, 0)}, std::move(attributes)), 3);
  return {};
}

// (a, a scale, a zero point, b, b scale, b zero point, y scale, y zero point)
Status expand_binary(FunctionBody& body, std::string_view type) {
  for (size_t i : {0, 1, 3, 4, 6}) {
    if (!body.has_input(i)) return error(ErrorCode::GRAPH_INPUT_MISSING, "input %zu", i);
  }
  quantize_output(body, body.op(type, {dequantized(body, 0), dequantized(body, 3)}), 6);
  return {};
}

// Channels are axis 1.
Status check_channels_first(const FunctionBody& body) {
  if (body.attributes().get_int("channels_last", 0) == 0) return {};
  return error(ErrorCode::MODEL_UNSUPPORTED, "channels_last is not supported");
}

}  // namespace

Status expand_qlinear_add(FunctionBody& body) {
  return expand_binary(body, "Add");
}
Status expand_qlinear_mul(FunctionBody& body) {
  return expand_binary(body, "Mul");
}

Status expand_qlinear_sigmoid(FunctionBody& body) {
  return expand_map(body, "Sigmoid");
}
Status expand_qlinear_leaky_relu(FunctionBody& body) {
  return expand_map(body, "LeakyRelu", body.copied({"alpha"}));
}
Status expand_qlinear_softmax(FunctionBody& body) {
  return expand_map(body, "Softmax", body.copied({"axis"}));
}
Status expand_qlinear_average_pool(FunctionBody& body) {
  SX_TRY(check_channels_first(body));
  return expand_map(body, "AveragePool",
                    body.copied({"auto_pad", "ceil_mode", "count_include_pad", "kernel_shape",
                                 "pads", "strides"}));
}
Status expand_qlinear_global_average_pool(FunctionBody& body) {
  SX_TRY(check_channels_first(body));
  return expand_map(body, "GlobalAveragePool");
}

// (y scale, y zero point, then a tensor, its scale and its zero point for each operand)
Status expand_qlinear_concat(FunctionBody& body) {
  if (body.input_count() < 5 || body.input_count() % 3 != 2) {
    return error(ErrorCode::MODEL_MALFORMED, "%zu inputs: two and three per operand are wanted",
                 body.input_count());
  }
  std::vector<ValueId> operands;
  for (size_t i = 2; i < body.input_count(); i += 3) operands.push_back(dequantized(body, i));
  quantize_output(body, body.op("Concat", std::move(operands), body.copied({"axis"})), 0);
  return {};
}

// (a, a scale, a zero point, b, b scale, b zero point, c of int32, y scale, y zero point). Without
// a scale y is float. The scale of c is that of the products.
Status expand_qgemm(FunctionBody& body) {
  for (size_t i : {0, 1, 3, 4}) {
    if (!body.has_input(i)) return error(ErrorCode::GRAPH_INPUT_MISSING, "input %zu", i);
  }
  const float alpha = body.attributes().get_float("alpha", 1.0f);
  Attributes columns;
  columns.set("axis", int64_t{body.attributes().get_int("transB", 0) != 0 ? 0 : 1});
  std::vector<ValueId> operands{
      dequantized(body, 0),
      body.op("DequantizeLinear", {body.input(3), body.input(4), body.input(5)},
              std::move(columns))};
  if (body.has_input(6)) {
    ValueId scale = body.op("Mul", {body.input(1), body.input(4)});
    if (alpha != 1) scale = body.op("Mul", {scale, body.scalar(body.dtype(1), alpha)});
    Attributes last;
    last.set("axis", int64_t{-1});
    operands.push_back(body.op("DequantizeLinear", {body.input(6), scale}, std::move(last)));
  }
  const ValueId y =
      body.op("Gemm", std::move(operands), body.copied({"alpha", "transA", "transB"}));
  if (body.has_input(7)) {
    quantize_output(body, y, 7);
  } else {
    body.output(0, y);
  }
  return {};
}

// The operators of ai.onnx, of which com.microsoft had more dtypes once.
Status expand_ms_quantization(FunctionBody& body) {
  SX_TRY(body.require_inputs(2));
  body.output(0, body.op(body.type(), {body.input(0), body.input(1), body.input(2)},
                         body.copied({"axis", "block_size"})));
  return {};
}

}  // namespace sardonyx::functions
