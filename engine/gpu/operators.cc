// Which lowering to WebGPU an operator has.
#include <algorithm>

#include "engine/gpu/emitter.h"

namespace sardonyx::gpu {
namespace {

struct Entry {
  std::string_view domain, type;
  bool (*lower)(Emitter&);
};

constexpr std::string_view kOnnx, kMicrosoft = "com.microsoft", kOwn = "sardonyx";

constexpr Entry kEntries[] = {
    {kOnnx, "Conv", lower_conv},
    {kMicrosoft, "FusedConv", lower_conv},
    {kOnnx, "ConvTranspose", lower_conv_transpose},
    {kOnnx, "MaxPool", lower_pool},
    {kOnnx, "AveragePool", lower_pool},
    {kOnnx, "GlobalMaxPool", lower_global_pool},
    {kOnnx, "GlobalAveragePool", lower_global_pool},
    {kOnnx, "Resize", lower_resize},
    {kOnnx, "Upsample", lower_resize},
    {kOnnx, "MatMul", lower_matmul},
    {kOnnx, "Gemm", lower_gemm},
    {kMicrosoft, "FusedGemm", lower_gemm},
    {kOnnx, "Relu", lower_unary},
    {kOnnx, "Clip", lower_unary},
    {kOnnx, "LeakyRelu", lower_unary},
    {kOnnx, "Sigmoid", lower_unary},
    {kOnnx, "Tanh", lower_unary},
    {kOnnx, "HardSigmoid", lower_unary},
    {kOnnx, "HardSwish", lower_unary},
    {kOnnx, "Exp", lower_unary},
    {kOnnx, "Log", lower_unary},
    {kOnnx, "Sqrt", lower_unary},
    {kOnnx, "Neg", lower_unary},
    {kOnnx, "Abs", lower_unary},
    {kOnnx, "Reciprocal", lower_unary},
    {kOnnx, "Floor", lower_unary},
    {kOnnx, "Ceil", lower_unary},
    {kOnnx, "Round", lower_unary},
    {kOnnx, "Sign", lower_unary},
    {kOnnx, "Erf", lower_unary},
    {kOnnx, "Gelu", lower_unary},
    {kOnnx, "Elu", lower_unary},
    {kOnnx, "Selu", lower_unary},
    {kOnnx, "Celu", lower_unary},
    {kOnnx, "ThresholdedRelu", lower_unary},
    {kOnnx, "Softplus", lower_unary},
    {kOnnx, "Softsign", lower_unary},
    {kOnnx, "Mish", lower_unary},
    {kOnnx, "Swish", lower_unary},
    {kOnnx, "Sin", lower_unary},
    {kOnnx, "Cos", lower_unary},
    {kOwn, "Silu", lower_unary},
    {kOnnx, "Add", lower_binary},
    {kOnnx, "Sub", lower_binary},
    {kOnnx, "Mul", lower_binary},
    {kOnnx, "Div", lower_binary},
    {kOnnx, "Min", lower_binary},
    {kOnnx, "Max", lower_binary},
    {kOnnx, "PRelu", lower_binary},
    {kOnnx, "Pow", lower_binary},
    {kOnnx, "Sum", lower_binary},
    {kOnnx, "Equal", lower_compare},
    {kOnnx, "Less", lower_compare},
    {kOnnx, "LessOrEqual", lower_compare},
    {kOnnx, "Greater", lower_compare},
    {kOnnx, "GreaterOrEqual", lower_compare},
    {kOnnx, "And", lower_compare},
    {kOnnx, "Or", lower_compare},
    {kOnnx, "Xor", lower_compare},
    {kOnnx, "Where", lower_where},
    {kOnnx, "Cast", lower_cast},
    {kOnnx, "CastLike", lower_cast},
    {kOnnx, "ReduceSum", lower_reduce},
    {kOnnx, "ReduceMean", lower_reduce},
    {kOnnx, "ReduceMax", lower_reduce},
    {kOnnx, "ReduceMin", lower_reduce},
    {kOnnx, "ReduceProd", lower_reduce},
    {kOnnx, "ReduceL1", lower_reduce},
    {kOnnx, "ReduceL2", lower_reduce},
    {kOnnx, "ReduceSumSquare", lower_reduce},
    {kOnnx, "ReduceLogSum", lower_reduce},
    {kOnnx, "Softmax", lower_softmax},
    {kOnnx, "LogSoftmax", lower_softmax},
    {kOnnx, "LayerNormalization", lower_normalize},
    {kOnnx, "RMSNormalization", lower_normalize},
    {kOnnx, "BatchNormalization", lower_batch_norm},
    {kOnnx, "Transpose", lower_transpose},
    {kOnnx, "Slice", lower_slice},
    {kOnnx, "Concat", lower_concat},
    {kOnnx, "Split", lower_split},
    {kOnnx, "Expand", lower_expand},
    {kOnnx, "Tile", lower_tile},
    {kOnnx, "Pad", lower_pad},
    {kOnnx, "Gather", lower_gather},
};

}  // namespace

bool lower_node(Emitter& emitter, std::string_view domain) {
  const auto entry = std::find_if(std::begin(kEntries), std::end(kEntries), [&](const Entry& e) {
    return e.type == emitter.type() && e.domain == domain;
  });
  return entry != std::end(kEntries) && entry->lower(emitter);
}

}  // namespace sardonyx::gpu
