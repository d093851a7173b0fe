// sardonyx Lookup: y = table[x] for bytes, the table being indexed by the bits of x: what
// elementwise operators between DequantizeLinear and QuantizeLinear become. y has the table's
// dtype.
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "simd/parallel.h"
#include "simd/quantize.h"

namespace sardonyx::ops {
namespace {

constexpr int64_t kCodes = 256;
constexpr int64_t kGrain = 1 << 15;  // elements per chunk

Status run_lookup(const Attributes&, const RunContext& context) {
  const auto* x = context.inputs[0].as<const uint8_t>();
  const auto* table = context.inputs[1].as<const uint8_t>();
  auto* y = context.outputs[0].as<uint8_t>();
  const int64_t count =
      storage_elements(context.outputs[0].shape, context.outputs[0].layout).value_or(0);
  return simd::parallel_for(count, kGrain, [=](int64_t begin, int64_t end) {
    simd::look_up(table, x + begin, end - begin, y + begin);
  });
}

}  // namespace

Status infer_lookup(InferContext& context) {
  SX_TRY(check_arity(context, 2, 2));
  for (size_t i : {size_t{0}, size_t{1}}) {
    SX_TRY(check_dtype(context, i, {DType::kUint8, DType::kInt8}));
  }
  const ValueFacts &x = context.inputs[0], &table = context.inputs[1];
  const bool fits = !table.is_static() || (table.shape.rank() == 1 && table.shape[0] == kCodes);
  if (!fits) {
    return error(ErrorCode::SHAPE_MISMATCH, "a table of shape %s", table.shape.to_string().c_str());
  }
  context.outputs[0] = {table.dtype, x.has_shape, x.shape, nullptr};
  return {};
}

Result<KernelPtr> make_lookup(const KernelInit& init) {
  return stateless(init, run_lookup);
}

}  // namespace sardonyx::ops
