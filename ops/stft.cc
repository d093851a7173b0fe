// STFT: the Fourier transform of windows that move over a signal.
#include <algorithm>
#include <cmath>

#include "ops/fourier.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/widened.h"
#include "simd/parallel.h"

namespace sardonyx::ops {
namespace {

using Complex = Fourier::Complex;

constexpr size_t kSignal = 0, kStep = 1, kWindow = 2, kLength = 3;
constexpr double kNsPerElement = 15.0;

bool is_onesided(const Attributes& attributes) {
  return attributes.get_int("onesided", 1) != 0;
}

struct Frames {
  int64_t step = kUnknownDim, length = kUnknownDim;

  int64_t bins(bool onesided) const { return length < 0 || !onesided ? length : length / 2 + 1; }
  int64_t count(int64_t samples) const {
    return samples < 0 || length < 0 || step < 0 ? kUnknownDim : (samples - length) / step + 1;
  }
};

Status check_frames(const Frames& frames, int64_t samples, int64_t window) {
  const bool fits =
      (frames.step == kUnknownDim || frames.step > 0) &&
      (frames.length == kUnknownDim ||
       (frames.length > 0 && frames.length <= Fourier::kMaxLength &&
        (samples < 0 || frames.length <= samples) && (window < 0 || window == frames.length)));
  if (fits) return {};
  return error(ErrorCode::VALUE_RANGE,
               "frames of %lld samples, %lld apart, of a signal of %lld samples",
               static_cast<long long>(frames.length), static_cast<long long>(frames.step),
               static_cast<long long>(samples));
}

// Everything about the frames of a run; `parts` of each sample, one or two.
struct Transform {
  const Fourier& fourier;
  const float* signal;
  int64_t samples, parts, step;
  const float* window;  // or null
  float* y;
  int64_t count, bins;  // per signal, per frame

  // Part `part` of sample i of a frame, times the window.
  double sample(int64_t frame, int64_t i, int64_t part) const {
    const int64_t at = frame / count * samples + frame % count * step + i;
    return double{signal[at * parts + part]} * (window ? double{window[i]} : 1.0);
  }

  void store(int64_t frame, int64_t bin, const Complex& value) const {
    float* to = y + (frame * bins + bin) * 2;
    to[0] = static_cast<float>(value.real());
    to[1] = static_cast<float>(value.imag());
  }

  // `x` has room for three frames.
  void complex_frame(int64_t frame, Complex* x) const {
    const int64_t length = fourier.length();
    for (int64_t i = 0; i < length; ++i) x[i] = {sample(frame, i, 0), sample(frame, i, 1)};
    Complex* spectrum = x + length;
    fourier.run(x, spectrum, spectrum + length);
    for (int64_t k = 0; k < bins; ++k) store(frame, k, spectrum[k]);
  }

  // Two real frames are the two parts of one complex frame; the spectrum of a real frame is that of
  // its conjugate backwards, which tells them apart. The second one may not be there.
  void real_frames(int64_t first, bool both, Complex* x) const {
    const int64_t length = fourier.length();
    for (int64_t i = 0; i < length; ++i) {
      x[i] = {sample(first, i, 0), both ? sample(first + 1, i, 0) : 0.0};
    }
    Complex* spectrum = x + length;
    fourier.run(x, spectrum, spectrum + length);
    // Infinities and NaN, which bin 0 shows, stay within their frame.
    if (both && !std::isfinite(spectrum[0].real() + spectrum[0].imag())) {
      real_frames(first, false, x);
      return real_frames(first + 1, false, x);
    }
    for (int64_t k = 0; k < bins; ++k) {
      const Complex z = spectrum[k], back = std::conj(spectrum[k == 0 ? 0 : length - k]);
      store(first, k, (z + back) * 0.5);
      const Complex difference = (z - back) * 0.5;
      if (both) store(first + 1, k, {difference.imag(), -difference.real()});
    }
  }
};

Status run_stft(const Attributes&, const RunContext& context) {
  const TensorView &signal = context.inputs[kSignal], &y = context.outputs[0];
  if (y.elements() == 0) return {};
  const float* window =
      context.has_input(kWindow) ? context.inputs[kWindow].as<const float>() : nullptr;
  Frames frames;
  SX_ASSIGN(frames.step, int_scalar(context.inputs[kStep]));
  if (context.has_input(kLength)) {
    SX_ASSIGN(frames.length, int_scalar(context.inputs[kLength]));
  } else {
    frames.length = context.inputs[kWindow].shape[0];
  }
  const int64_t samples = signal.shape[1];
  const int64_t parts = signal.shape.rank() == 3 ? signal.shape[2] : 1;
  SX_TRY(check_frames(frames, samples, window ? context.inputs[kWindow].shape[0] : kUnknownDim));
  const int64_t count = y.shape[1], bins = y.shape[2], length = frames.length;
  if (frames.count(samples) != count || bins > length) {
    return error(ErrorCode::INTERNAL, "the frames have changed since the shape was computed");
  }
  SX_ASSIGN(const Fourier fourier, Fourier::make(length, false));
  const Transform transform{
      fourier, signal.as<const float>(), samples, parts, frames.step, window, y.as<float>(), count,
      bins};
  const int threads = simd::threads_wanted();
  SX_ASSIGN(const Block block, Block::allocate(static_cast<uint64_t>(length) * 3 *
                                               static_cast<uint64_t>(threads) * sizeof(Complex)));
  const int64_t total = y.shape[0] * count, at_once = parts == 2 ? 1 : 2;
  return simd::parallel_for((total + at_once - 1) / at_once,
                            simd::grain_for(kNsPerElement * static_cast<double>(length)),
                            [&](int64_t begin, int64_t end, int thread) {
                              Complex* x = block.as<Complex>() + thread * 3 * length;
                              for (int64_t i = begin; i < end; ++i) {
                                if (parts == 2) {
                                  transform.complex_frame(i, x);
                                } else {
                                  transform.real_frames(2 * i, 2 * i + 1 < total, x);
                                }
                              }
                            });
}

Result<KernelPtr> make_floats(const KernelInit& init) {
  return stateless(init, run_stft);
}

Result<int64_t> known_scalar(const InferContext& context, size_t input) {
  if (!context.has_input(input)) return kUnknownDim;
  SX_TRY(check_dtype(context, input, {DType::kInt64, DType::kInt32}));
  if (!context.inputs[input].value) return kUnknownDim;
  SX_ASSIGN(const int64_t value, int_scalar(*context.inputs[input].value));
  // Never taken for an unknown one.
  return value < 0 ? 0 : value;
}

}  // namespace

Status infer_stft(InferContext& context) {
  SX_TRY(check_arity(context, 2, 4));
  SX_TRY(check_float(context, kSignal));
  SX_TRY(check_same_dtype(context, kSignal, kWindow));
  if (!context.has_input(kWindow) && !context.has_input(kLength)) {
    return error(ErrorCode::GRAPH_INPUT_MISSING, "neither a window nor a frame length is given");
  }
  Frames frames;
  SX_ASSIGN(frames.step, known_scalar(context, kStep));
  SX_ASSIGN(frames.length, known_scalar(context, kLength));
  const ValueFacts& signal = context.inputs[kSignal];
  int64_t window = kUnknownDim;
  if (context.has_input(kWindow) && context.inputs[kWindow].has_shape) {
    const Shape& shape = context.inputs[kWindow].shape;
    if (shape.rank() != 1) {
      return error(ErrorCode::SHAPE_MISMATCH, "a window of shape %s", shape.to_string().c_str());
    }
    window = shape[0];
    if (!context.has_input(kLength)) frames.length = window;
  }
  context.set_output_unknown(0, signal.dtype);
  if (!signal.has_shape) return {};
  const Shape& shape = signal.shape;
  const bool fits =
      shape.rank() == 2 || (shape.rank() == 3 && (shape[2] < 0 || shape[2] == 1 || shape[2] == 2));
  if (!fits) {
    return error(ErrorCode::SHAPE_MISMATCH, "a signal of shape %s", shape.to_string().c_str());
  }
  SX_TRY(check_frames(frames, shape[1], window));
  context.set_output(
      0, signal.dtype,
      Shape{shape[0], frames.count(shape[1]), frames.bins(is_onesided(context.attributes)), 2});
  return {};
}

Result<KernelPtr> make_stft(const KernelInit& init) {
  return widened(init, make_floats);
}

}  // namespace sardonyx::ops
