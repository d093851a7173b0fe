// NonZero: the coordinates of all elements that are not 0.
#include <algorithm>

#include "ops/convert.h"
#include "ops/indices.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

constexpr int64_t kBlock = 128;

// Calls use(i) for every element that is not 0.
template <typename Use>
void for_non_zero(const TensorView& x, Use&& use) {
  const int64_t count = x.elements();
  const int64_t width = dtype_bits(x.dtype) / 8;
  uint8_t block[kBlock];
  for (int64_t done = 0; done < count; done += kBlock) {
    const int64_t length = std::min(kBlock, count - done);
    convert(DType::kBool, block, x.dtype, x.as<const uint8_t>() + done * width, 1, length);
    for (int64_t i = 0; i < length; ++i) {
      if (block[i]) use(done + i);
    }
  }
}

Status run_non_zero(const Attributes&, const RunContext& context) {
  const TensorView& x = context.inputs[0];
  const TensorView& y = context.outputs[0];
  const int64_t count = y.shape[1];
  int64_t found = 0;
  for_non_zero(x, [&](int64_t i) {
    const int64_t at = found++;
    for (int axis = x.shape.rank() - 1; at < count && axis >= 0; --axis) {
      y.as<int64_t>()[axis * count + at] = i % x.shape[axis];
      i /= x.shape[axis];
    }
  });
  if (found == count) return {};
  return error(ErrorCode::INTERNAL, "the elements have changed since they were counted");
}

}  // namespace

Status infer_non_zero(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  const ValueFacts& x = context.inputs[0];
  if (compute_dtype(x.dtype) == DType::kUndefined) return unsupported_dtype(x.dtype);
  context.set_output_unknown(0, DType::kInt64);
  if (!x.has_shape) return {};
  int64_t count = kUnknownDim;
  if (contents_known(x)) {
    count = 0;
    for_non_zero(known_contents(x), [&](int64_t) { ++count; });
  }
  context.set_output(0, DType::kInt64, {x.shape.rank(), count});
  return {};
}

Result<KernelPtr> make_non_zero(const KernelInit& init) {
  return stateless(init, run_non_zero);
}

}  // namespace sardonyx::ops
