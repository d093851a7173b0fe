// Binary operators before opset 7: attribute 'axis' says where the dims of the second operand lie
// in those of the first, where later ones align both at the last.
#include "engine/functions/function_body.h"

namespace sardonyx::functions {
namespace {

// `axis` of a lies at the first axis of b: as many dims of 1 are added behind those of b as align
// it.
Result<ValueId> aligned(FunctionBody& body, int64_t axis) {
  SX_ASSIGN(const int a_rank, body.rank(0));
  SX_ASSIGN(const int b_rank, body.rank(1));
  const int64_t first = axis < 0 ? axis + a_rank : axis;
  if (first < 0 || first > a_rank - b_rank) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "axis %lld does not fit ranks %d and %d",
                 static_cast<long long>(axis), a_rank, b_rank);
  }
  std::vector<int64_t> axes;
  for (int64_t i = b_rank; first + i < a_rank; ++i) axes.push_back(i);
  if (axes.empty()) return body.input(1);
  return body.op("Unsqueeze", {body.input(1), body.ints(axes)});
}

}  // namespace

Status expand_old_broadcast(FunctionBody& body) {
  SX_TRY(body.require_inputs(2));
  ValueId b = body.input(1);
  const int64_t fallback = INT64_MIN;  // INT64_MIN: the last axes, as today
  const int64_t axis = body.attributes().get_int("axis", fallback);
  if (body.attributes().get_int("broadcast", 0) && axis != fallback) {
    SX_ASSIGN(b, aligned(body, axis));
  }
  body.output(0, body.op(body.type(), {body.input(0), b}));
  return {};
}

// A slope per channel; the channels are axis 1.
Status expand_old_prelu(FunctionBody& body) {
  SX_TRY(body.require_inputs(2));
  SX_ASSIGN(const int a_rank, body.rank(0));
  SX_ASSIGN(const int b_rank, body.rank(1));
  ValueId slope = body.input(1);
  if (b_rank == 1 && a_rank > 2) {
    SX_ASSIGN(slope, aligned(body, 1));
  }
  body.output(0, body.op("PRelu", {body.input(0), slope}));
  return {};
}

}  // namespace sardonyx::functions
