// Matrix products of com.microsoft.
#include <utility>
#include <vector>

#include "engine/functions/function_body.h"

namespace sardonyx::functions {
namespace {

// Input i as FusedMatMul multiplies it. `batch`: its rows are the first dim; `swapped`: its columns
// are the last but one.
Result<ValueId> operand(FunctionBody& body, size_t i, const char* batch, const char* swapped) {
  const bool moves = body.attributes().get_int(batch, 0) != 0;
  const bool swaps = body.attributes().get_int(swapped, 0) != 0;
  if (!moves && !swaps) return body.input(i);
  SX_ASSIGN(const int rank, body.rank(i));
  if (rank < 2) return body.input(i);
  std::vector<int64_t> order;
  for (int axis = moves ? 1 : 0; axis < rank - 1; ++axis) order.push_back(axis);
  if (moves) order.push_back(0);
  order.push_back(rank - 1);
  if (swaps) std::swap(order[order.size() - 1], order[order.size() - 2]);
  Attributes attributes;
  attributes.set("perm", std::move(order));
  return body.op("Transpose", {body.input(i)}, std::move(attributes));
}

// sum * scale + bias, from int32 to `dtype`; input `bias` may be left out.
ValueId rescale(FunctionBody& body, ValueId sum, ValueId scale, size_t bias, DType dtype) {
  ValueId out = body.op("Mul", {body.cast(sum, DType::kFloat32), scale});
  if (dtype != DType::kFloat32) out = body.cast(out, dtype);
  return body.has_input(bias) ? body.op("Add", {out, body.input(bias)}) : out;
}

}  // namespace

Status expand_fused_matmul(FunctionBody& body) {
  SX_TRY(body.require_inputs(2));
  SX_ASSIGN(const ValueId a, operand(body, 0, "transBatchA", "transA"));
  SX_ASSIGN(const ValueId b, operand(body, 1, "transBatchB", "transB"));
  ValueId y = body.op("MatMul", {a, b});
  const float alpha = body.attributes().get_float("alpha", 1.0f);
  if (alpha != 1) y = body.op("Mul", {y, body.scalar(body.dtype(0), alpha)});
  body.output(0, y);
  return {};
}

// (a, b, b scale, b zero point, bias)
Status expand_dynamic_quantize_matmul(FunctionBody& body) {
  SX_TRY(body.require_inputs(3));
  const auto a = body.ops("DynamicQuantizeLinear", {body.input(0)}, 3);
  const ValueId sum = body.op("MatMulInteger", {a[0], body.input(1), a[2], body.input(3)});
  const ValueId scale = body.op("Mul", {a[1], body.input(2)});
  body.output(0, rescale(body, sum, scale, 4, DType::kFloat32));
  return {};
}

// (a, b, a scale, b scale, a zero point, b zero point, bias)
Status expand_matmul_integer_to_float(FunctionBody& body) {
  SX_TRY(body.require_inputs(4));
  const ValueFacts& scale = body.facts(2);
  if (scale.has_shape && scale.shape.elements().value_or(1) != 1) {
    return error(ErrorCode::MODEL_UNSUPPORTED, "a scale of A of shape %s is not supported",
                 scale.shape.to_string().c_str());
  }
  const DType dtype = body.dtype(2);
  const auto wide = [&](size_t i) {
    return dtype == DType::kFloat32 ? body.input(i) : body.cast(body.input(i), DType::kFloat32);
  };
  const ValueId sum =
      body.op("MatMulInteger", {body.input(0), body.input(1), body.input(4), body.input(5)});
  body.output(0, rescale(body, sum, body.op("Mul", {wide(2), wide(3)}), 6, dtype));
  return {};
}

}  // namespace sardonyx::functions
