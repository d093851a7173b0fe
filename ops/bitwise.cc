// BitShift, BitwiseAnd, BitwiseOr, BitwiseXor and BitwiseNot.
#include "ops/binary_operator.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/unary_map.h"

namespace sardonyx::ops {
namespace {

template <auto kFn>
constexpr BinarySpec bitwise(std::string_view name) {
  return {.name = name,
          .flags = kIntegers,
          .i64 = dense_row<int64_t, int64_t, kFn>,
          .u64 = dense_row<uint64_t, uint64_t, kFn>};
}
constexpr BinarySpec kAnd = bitwise<[](auto a, auto b) { return a & b; }>("bitwise_and");
constexpr BinarySpec kOr = bitwise<[](auto a, auto b) { return a | b; }>("bitwise_or");
constexpr BinarySpec kXor = bitwise<[](auto a, auto b) { return a ^ b; }>("bitwise_xor");

// Of unsigned numbers, which int64 holds unless they are uint64.
uint64_t shift_left(uint64_t a, uint64_t b) {
  return b < 64 ? a << b : 0;
}
uint64_t shift_right(uint64_t a, uint64_t b) {
  return b < 64 ? a >> b : 0;
}
template <auto kFn>
constexpr BinarySpec shift(std::string_view name) {
  return {.name = name,
          .flags = kIntegers,
          .i64 = dense_row<uint64_t, uint64_t, kFn>,
          .u64 = dense_row<uint64_t, uint64_t, kFn>};
}
constexpr BinarySpec kShiftLeft = shift<shift_left>("shift_left");
constexpr BinarySpec kShiftRight = shift<shift_right>("shift_right");

constexpr UnarySpec kNot = {.name = "bitwise_not",
                            .i64 = [](int64_t x, const UnaryParams&) { return ~x; },
                            .u64 = [](uint64_t x, const UnaryParams&) { return ~x; }};

Status run_bitwise_not(const Attributes&, const RunContext& context) {
  return apply_unary(kNot, {}, context.inputs[0], context.outputs[0]);
}

}  // namespace

#define SX_BITWISE(symbol, spec)                       \
  Status infer_##symbol(InferContext& context) {       \
    return infer_operands(context, spec, 2, 2);        \
  }                                                    \
  Result<KernelPtr> make_##symbol(const KernelInit&) { \
    return make_binary(spec);                          \
  }

SX_BITWISE(bitwise_and, kAnd)
SX_BITWISE(bitwise_or, kOr)
SX_BITWISE(bitwise_xor, kXor)
#undef SX_BITWISE

Status infer_bitwise_not(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  SX_TRY(check_dtype(context, 0,
                     {DType::kInt8, DType::kInt16, DType::kInt32, DType::kInt64, DType::kUint8,
                      DType::kUint16, DType::kUint32, DType::kUint64}));
  return same_as_input(context);
}
Result<KernelPtr> make_bitwise_not(const KernelInit& init) {
  return stateless(init, run_bitwise_not);
}

Status infer_bit_shift(InferContext& context) {
  const std::string_view direction = context.attributes.get_string("direction", "");
  if (direction != "LEFT" && direction != "RIGHT") {
    return error(ErrorCode::ATTRIBUTE_INVALID, "attribute 'direction' is neither LEFT nor RIGHT");
  }
  SX_TRY(check_dtype(context, 0, {DType::kUint8, DType::kUint16, DType::kUint32, DType::kUint64}));
  return infer_operands(context, kShiftLeft, 2, 2);
}
Result<KernelPtr> make_bit_shift(const KernelInit& init) {
  const bool left = init.attributes.get_string("direction", "") == "LEFT";
  return make_binary(left ? kShiftLeft : kShiftRight);
}

}  // namespace sardonyx::ops
