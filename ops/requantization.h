// From sums of integer products to outputs of 8 bits or floats: the parameters of the QLinear
// operators, and those of dynamically quantized products.
#pragma once

#include <cstdint>
#include <optional>

#include "ops/operator.h"
#include "ops/scratch.h"
#include "simd/activation.h"
#include "simd/integer_gemm.h"

namespace sardonyx::ops {

inline constexpr size_t kNoInput = SIZE_MAX;

// Where a product of integers finds its operands.
struct IntegerInputs {
  size_t x = kNoInput, x_scale = kNoInput, x_zero = kNoInput;
  size_t w = kNoInput, w_scale = kNoInput, w_zero = kNoInput;
  size_t y_scale = kNoInput, y_zero = kNoInput;
  size_t bias = kNoInput;

  bool gives_bytes() const { return y_scale != kNoInput; }
  // Neither bytes nor floats: the output is int32.
  bool gives_floats() const { return !gives_bytes() && x_scale != kNoInput; }
};

// Those of ai.onnx QLinearConv and QLinearMatMul; the latter has no bias.
inline constexpr IntegerInputs kQLinearInputs{.x = 0,
                                              .x_scale = 1,
                                              .x_zero = 2,
                                              .w = 3,
                                              .w_scale = 4,
                                              .w_zero = 5,
                                              .y_scale = 6,
                                              .y_zero = 7,
                                              .bias = 8};

// Those of sardonyx FusedMatMulInteger and FusedConvInteger, whose output is float32:
// sum * (x_scale * w_scale) + bias.
inline constexpr IntegerInputs kScaledInputs{
    .x = 0, .x_scale = 1, .x_zero = 2, .w = 3, .w_scale = 4, .w_zero = 5, .bias = 6};

// How products of integers end in bytes.
struct IntegerEnding {
  // False: int32 bias, added to the sums, and one factor x_scale * w_scale / y_scale, as
  // QLinearConv is defined. True: float bias, and a division by y_scale, as the float operators
  // with QuantizeLinear behind them compute.
  bool like_float = false;
  simd::Activation activation;  // as monotone_activation gives it
};

// The dtypes and shapes of operands, scales and zero points; the output's dtype is left in `dtype`.
// `x_zeros` zero points for x, or one, and `columns` parameters of w; both may be kUnknownDim.
Status check_integer_inputs(const InferContext& context, const IntegerInputs& at,
                            const IntegerEnding& ending, int64_t x_zeros, int64_t columns,
                            DType& dtype);
// The inputs that a fused product must have are there; GRAPH_INPUT_MISSING, MODEL_MALFORMED.
Status check_fused_product(const InferContext& context, const IntegerInputs& at);
// The attribute "activation"; ATTRIBUTE_INVALID unless it is Relu, Clip, a LeakyRelu that falls
// nowhere, or missing.
Result<simd::Activation> monotone_activation(const Attributes& attributes);
// LIMIT_EXCEEDED when sums of `depth` products of bytes may be above int32.
Status check_integer_depth(std::optional<int64_t> depth);
// Input i as bytes.
simd::ByteMatrix byte_matrix(const TensorView& tensor);
// Constant scales of quantized outputs are checked when the kernel is made.
Status check_constant_scales(const KernelInit& init, const IntegerInputs& at);

// The arrays of simd::IntegerOutput, one element per column, in scratch memory.
class IntegerColumns {
 public:
  // `padded` elements, of which the first `columns` are used.
  Status place(int64_t columns, int64_t padded, ScratchLayout& scratch);
  // Fills them from the inputs and sets all of `output`, whose parameters are in `backing`.
  struct Backing {
    simd::Requantization quantize;
    simd::FloatScaling scaling;
  };
  Status fill(const RunContext& context, const IntegerInputs& at, const IntegerEnding& ending,
              Backing& backing, simd::IntegerOutput& output) const;

 private:
  Status fill_quantize(const RunContext& context, const IntegerInputs& at,
                       const IntegerEnding& ending, int32_t* first,
                       simd::Requantization& quantize) const;
  void fill_scaling(const RunContext& context, const IntegerInputs& at,
                    simd::FloatScaling& scaling) const;

  int64_t columns_ = 0, padded_ = 0;
  size_t first_ = 0, scale_ = 0, bias_ = 0;
};

}  // namespace sardonyx::ops
