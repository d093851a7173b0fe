// Normalizations in terms of means.
#include "engine/functions/function_body.h"

namespace sardonyx::functions {

// (x - mean) / sqrt(variance), over `axes` (all but the channels).
Status expand_mean_variance_normalization(FunctionBody& body) {
  SX_TRY(body.require_inputs(1));
  const ValueId x = body.input(0);
  const auto given = body.attributes().get_ints("axes");
  std::vector<int64_t> axes(given.begin(), given.end());
  if (axes.empty()) axes = {0, 2, 3};
  const ValueId over = body.ints(axes);
  const ValueId centred = body.op("Sub", {x, body.op("ReduceMean", {x, over})});
  const ValueId variance = body.op("ReduceMean", {body.op("Mul", {centred, centred}), over});
  const ValueId deviation = body.op("Sqrt", {variance});
  const ValueId floor = body.scalar(body.dtype(0), 1e-9);
  body.output(0, body.op("Div", {centred, body.op("Add", {deviation, floor})}));
  return {};
}

}  // namespace sardonyx::functions
