// ReverseSequence: the first elements of each sequence, backwards.
#include "ops/indices.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

Status run_reverse_sequence(const Attributes& attributes, const RunContext& context) {
  const TensorView& x = context.inputs[0];
  const TensorView& lengths = context.inputs[1];
  const TensorView& y = context.outputs[0];
  SX_ASSIGN(const size_t width, element_bytes(x.dtype));
  const bool batch_first = attributes.get_int("batch_axis", 1) == 0;
  const int64_t times = x.shape[batch_first ? 1 : 0];
  const int64_t batches = x.shape[batch_first ? 0 : 1];
  const size_t slice = static_cast<size_t>(x.shape.product(2, x.shape.rank())) * width;
  for (int64_t batch = 0; batch < batches; ++batch) {
    const int64_t length = index_at(lengths, batch);
    if (length < 0 || length > times) {
      return error(ErrorCode::INDEX_RANGE, "sequence %lld has length %lld of %lld",
                   static_cast<long long>(batch), static_cast<long long>(length),
                   static_cast<long long>(times));
    }
    for (int64_t time = 0; time < times; ++time) {
      const int64_t source = time < length ? length - 1 - time : time;
      const auto at = [&](int64_t t) {
        return static_cast<size_t>(batch_first ? batch * times + t : t * batches + batch) * slice;
      };
      copy_bytes(y.as<uint8_t>() + at(time), x.as<const uint8_t>() + at(source), slice);
    }
  }
  return {};
}

}  // namespace

Status infer_reverse_sequence(InferContext& context) {
  SX_TRY(check_arity(context, 2, 2));
  const ValueFacts& x = context.inputs[0];
  const ValueFacts& lengths = context.inputs[1];
  SX_TRY(check_movable(x.dtype));
  SX_TRY(check_index_dtype(context, 1));
  const int64_t batch_axis = context.attributes.get_int("batch_axis", 1);
  const int64_t time_axis = context.attributes.get_int("time_axis", 0);
  if (batch_axis < 0 || batch_axis > 1 || time_axis != 1 - batch_axis) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "batch_axis %lld and time_axis %lld",
                 static_cast<long long>(batch_axis), static_cast<long long>(time_axis));
  }
  if (x.has_shape && x.shape.rank() < 2) {
    return error(ErrorCode::SHAPE_MISMATCH, "sequences of shape %s", x.shape.to_string().c_str());
  }
  if (x.is_static() && lengths.is_static() &&
      !(lengths.shape == Shape{x.shape[static_cast<int>(batch_axis)]})) {
    return error(ErrorCode::SHAPE_MISMATCH, "lengths of shape %s for sequences of shape %s",
                 lengths.shape.to_string().c_str(), x.shape.to_string().c_str());
  }
  return same_as_input(context);
}

Result<KernelPtr> make_reverse_sequence(const KernelInit& init) {
  return stateless(init, run_reverse_sequence);
}

}  // namespace sardonyx::ops
