// MelWeightMatrix: triangular filters, evenly spaced on the mel scale, over the bins of a spectrum.
#include <cmath>
#include <cstring>
#include <vector>

#include "base/checked.h"
#include "base/power.h"
#include "ops/convert.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

enum Input : size_t { kMelBins, kDftLength, kSampleRate, kLowest, kHighest, kInputs };
constexpr int64_t kMaxBins = int64_t{1} << 24;

double to_mel(double hertz) {
  return 2595.0 * std::log10(1.0 + hertz / 700.0);
}
double from_mel(double mel) {
  return 700.0 * (power(10.0, mel / 2595.0) - 1.0);
}

Result<double> number(const TensorView& tensor) {
  if (tensor.elements() != 1) {
    return error(ErrorCode::SHAPE_MISMATCH, "a parameter has shape %s",
                 tensor.shape.to_string().c_str());
  }
  double value = 0;
  convert(DType::kFloat64, &value, tensor.dtype, tensor.data, 1, 1);
  return value;
}

// The spectrum bin at edge `i` of the filters.
Result<int64_t> edge(const RunContext& context, int64_t i, int64_t filters, int64_t bins) {
  double values[kInputs];
  for (size_t k = kMelBins; k < kInputs; ++k) {
    SX_ASSIGN(values[k], number(context.inputs[k]));
  }
  const double low = to_mel(values[kLowest]), high = to_mel(values[kHighest]);
  const double step = (high - low) / static_cast<double>(filters + 2);
  const double hertz = from_mel(static_cast<double>(i) * step + low);
  const double at = std::floor((values[kDftLength] + 1) * hertz / values[kSampleRate]);
  if (at >= 0 && at < static_cast<double>(bins)) return static_cast<int64_t>(at);
  return error(ErrorCode::VALUE_RANGE, "filter edge %lld at %g Hz is not among %lld bins",
               static_cast<long long>(i), hertz, static_cast<long long>(bins));
}

// Writes one filter, a column of y [bins, filters].
void write_filter(int64_t low, int64_t centre, int64_t high, int64_t stride, float* y) {
  const auto rise = static_cast<float>(centre - low), fall = static_cast<float>(high - centre);
  if (low == centre) y[centre * stride] = 1;
  for (int64_t i = low; i <= centre && low < centre; ++i) {
    y[i * stride] = static_cast<float>(i - low) / rise;
  }
  for (int64_t i = centre; i < high; ++i) y[i * stride] = static_cast<float>(high - i) / fall;
}

Status run_mel_weight_matrix(const Attributes&, const RunContext& context) {
  const TensorView& y = context.outputs[0];
  const int64_t bins = y.shape[0], filters = y.shape[1];
  if (y.elements() == 0) return {};
  SX_ASSIGN(const Block block,
            Block::allocate(static_cast<uint64_t>(y.elements()) * sizeof(float)));
  auto* matrix = block.as<float>();
  std::memset(matrix, 0, static_cast<size_t>(y.elements()) * sizeof(float));
  for (int64_t i = 0; i < filters; ++i) {
    SX_ASSIGN(const int64_t low, edge(context, i, filters, bins));
    SX_ASSIGN(const int64_t centre, edge(context, i + 1, filters, bins));
    SX_ASSIGN(const int64_t high, edge(context, i + 2, filters, bins));
    write_filter(low, centre, high, filters, matrix + i);
  }
  convert(y.dtype, y.data, DType::kFloat32, matrix, 1, y.elements());
  return {};
}

}  // namespace

Status infer_mel_weight_matrix(InferContext& context) {
  SX_TRY(check_arity(context, kInputs, kInputs));
  SX_ASSIGN(const DType dtype,
            dtype_attribute(context.attributes, "output_datatype", DType::kFloat32));
  if (compute_dtype(dtype) == DType::kUndefined || dtype == DType::kBool) {
    return unsupported_dtype(dtype);
  }
  for (size_t i : {kMelBins, kDftLength, kSampleRate}) {
    SX_TRY(check_dtype(context, i, {DType::kInt32, DType::kInt64}));
  }
  for (size_t i : {kLowest, kHighest}) {
    if (compute_dtype(context.inputs[i].dtype) == DType::kUndefined) {
      return unsupported_dtype(context.inputs[i].dtype);
    }
  }
  Shape out{kUnknownDim, kUnknownDim};
  for (size_t i : {kMelBins, kDftLength}) {
    if (!context.inputs[i].value) continue;
    SX_ASSIGN(const int64_t value, int_scalar(*context.inputs[i].value));
    if (value < 1 || value > kMaxBins) {
      return error(ErrorCode::VALUE_RANGE, "input %zu is %lld", i, static_cast<long long>(value));
    }
    out[i == kDftLength ? 0 : 1] = i == kDftLength ? value / 2 + 1 : value;
  }
  context.set_output(0, dtype, out);
  return {};
}

Result<KernelPtr> make_mel_weight_matrix(const KernelInit& init) {
  return stateless(init, run_mel_weight_matrix);
}

}  // namespace sardonyx::ops
