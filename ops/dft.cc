// DFT: the discrete Fourier transform along an axis, its inverse, and their one-sided forms.
#include <algorithm>
#include <array>

#include "ops/fourier.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/widened.h"
#include "simd/parallel.h"

namespace sardonyx::ops {
namespace {

using Complex = Fourier::Complex;

constexpr size_t kX = 0, kLength = 1, kAxis = 2;
constexpr int kAxisIsInput = 20;
constexpr double kNsPerElement = 15.0;

// What a node asks for; the last axis of x holds real and imaginary parts.
struct Request {
  int axis = 0;
  bool inverse = false, onesided = false;
  int64_t length = kUnknownDim;

  int64_t out_dim() const { return length < 0 || inverse || !onesided ? length : length / 2 + 1; }
  // A one-sided spectrum is that of real numbers.
  int64_t out_parts() const { return inverse && onesided ? 1 : 2; }
};

// `length` and `axis` are the inputs: nullopt when absent.
Result<Request> read_request(const Attributes& attributes, int opset, const Shape& x,
                             std::optional<int64_t> axis, std::optional<int64_t> length) {
  Request request;
  request.inverse = attributes.get_int("inverse", 0) != 0;
  request.onesided = attributes.get_int("onesided", 0) != 0;
  const int64_t fallback = opset < kAxisIsInput ? attributes.get_int("axis", 1) : -2;
  SX_ASSIGN(request.axis, check_axis(axis.value_or(fallback), x.rank()));
  if (request.axis == x.rank() - 1) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "axis %d holds the parts of complex numbers",
                 request.axis);
  }
  const int64_t dim = x[request.axis];
  request.length = length ? *length : dim < 0 ? kUnknownDim : dim;
  if (!length && request.inverse && request.onesided && dim >= 0) request.length = 2 * (dim - 1);
  if (request.length == kUnknownDim && !length) return request;
  if (request.length < 1 || request.length > Fourier::kMaxLength) {
    return error(ErrorCode::VALUE_RANGE, "a transform of length %lld",
                 static_cast<long long>(request.length));
  }
  return request;
}

// A line of the tensor: `dim` complex or real numbers, `stride` numbers apart.
struct Line {
  int64_t dim, stride, parts;
};

// Fills x with the line, cut or padded with zeros, a one-sided spectrum with its other half.
void load(const Request& request, const float* from, const Line& line, Complex* x) {
  const int64_t length = request.length;
  const bool mirrored = request.inverse && request.onesided;
  const int64_t given = std::min(line.dim, mirrored ? length / 2 + 1 : length);
  for (int64_t i = 0; i < given; ++i) {
    const float* at = from + i * line.stride * line.parts;
    x[i] = {double{at[0]}, line.parts == 2 ? double{at[1]} : 0.0};
  }
  std::fill(x + given, x + length, Complex());
  if (!mirrored) return;
  for (int64_t i = length / 2 + 1; i < length; ++i) x[i] = std::conj(x[length - i]);
}

void store(const Complex* y, double scale, const Line& line, float* to) {
  for (int64_t i = 0; i < line.dim; ++i) {
    float* at = to + i * line.stride * line.parts;
    at[0] = static_cast<float>(y[i].real() * scale);
    if (line.parts == 2) at[1] = static_cast<float>(y[i].imag() * scale);
  }
}

class DftKernel final : public Kernel {
 public:
  DftKernel(const Attributes& attributes, int opset) : attributes_(attributes), opset_(opset) {}

  Status run(const RunContext& context) const override {
    const TensorView &x = context.inputs[kX], &y = context.outputs[0];
    if (y.elements() == 0) return {};
    SX_ASSIGN(const Request request, request_of(context));
    const int last = x.shape.rank() - 1;
    if (y.shape[request.axis] != request.out_dim()) {
      return error(ErrorCode::INTERNAL, "the length has changed since the shape was computed");
    }
    const int64_t inner = x.shape.product(request.axis + 1, last);
    const Line from{x.shape[request.axis], inner, x.shape[last]};
    const Line to{y.shape[request.axis], inner, y.shape[last]};
    SX_ASSIGN(const Fourier fourier, Fourier::make(request.length, request.inverse));
    const int threads = simd::threads_wanted();
    SX_ASSIGN(const Block block, Block::allocate(static_cast<uint64_t>(request.length) * 3 *
                                                 static_cast<uint64_t>(threads) * sizeof(Complex)));
    const double scale = request.inverse ? 1.0 / static_cast<double>(request.length) : 1.0;
    const auto grain = simd::grain_for(kNsPerElement * static_cast<double>(request.length));
    const int64_t lines = x.shape.product(0, request.axis) * inner;
    return simd::parallel_for(lines, grain, threads, [&](int64_t begin, int64_t end, int thread) {
      Complex* buffer = block.as<Complex>() + thread * 3 * request.length;
      for (int64_t i = begin; i < end; ++i) {
        const int64_t outer = i / inner, at = i % inner;
        load(request, x.as<const float>() + (outer * from.dim * inner + at) * from.parts, from,
             buffer);
        fourier.run(buffer, buffer + request.length, buffer + 2 * request.length);
        store(buffer + request.length, scale, to,
              y.as<float>() + (outer * to.dim * inner + at) * to.parts);
      }
    });
  }
  std::string_view name() const override { return "dft"; }

 private:
  Result<Request> request_of(const RunContext& context) const {
    std::optional<int64_t> axis, length;
    if (context.has_input(kLength)) {
      SX_ASSIGN(length, int_scalar(context.inputs[kLength]));
    }
    if (context.has_input(kAxis)) {
      SX_ASSIGN(axis, int_scalar(context.inputs[kAxis]));
    }
    return read_request(attributes_, opset_, context.inputs[kX].shape, axis, length);
  }

  const Attributes& attributes_;  // owned by the lowering, which outlives its kernels
  int opset_;
};

Result<KernelPtr> make_floats(const KernelInit& init) {
  return KernelPtr(std::make_unique<DftKernel>(init.attributes, init.opset));
}

}  // namespace

Status infer_dft(InferContext& context) {
  SX_TRY(check_arity(context, 1, context.opset < kAxisIsInput ? 2 : 3));
  SX_TRY(check_float(context, kX));
  const ValueFacts& x = context.inputs[kX];
  context.set_output_unknown(0, x.dtype);
  std::optional<int64_t> known[3];
  for (size_t i : {kLength, kAxis}) {
    if (!context.has_input(i)) continue;
    SX_TRY(check_dtype(context, i, {DType::kInt64, DType::kInt32}));
    if (!context.inputs[i].value) continue;
    SX_ASSIGN(known[i], int_scalar(*context.inputs[i].value));
  }
  if (!x.has_shape || (context.has_input(kAxis) && !known[kAxis])) return {};
  const int last = x.shape.rank() - 1;
  if (last < 1 || (x.shape[last] >= 0 && x.shape[last] != 1 && x.shape[last] != 2)) {
    return error(ErrorCode::SHAPE_MISMATCH,
                 "an input of shape %s: the last axis holds one or two parts",
                 x.shape.to_string().c_str());
  }
  SX_ASSIGN(Request request,
            read_request(context.attributes, context.opset, x.shape, known[kAxis], known[kLength]));
  if (context.has_input(kLength) && !known[kLength]) request.length = kUnknownDim;
  Shape out = x.shape;
  out[request.axis] = request.out_dim();
  out[last] = request.out_parts();
  context.set_output(0, x.dtype, out);
  return {};
}

Result<KernelPtr> make_dft(const KernelInit& init) {
  return widened(init, make_floats);
}

}  // namespace sardonyx::ops
