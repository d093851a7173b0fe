// RotaryEmbedding of ai.onnx and of com.microsoft, which differ in the order of their inputs.
#include "ops/operator.h"
#include "ops/rotary.h"
#include "ops/scaled_dot_attention.h"
#include "ops/scratch.h"
#include "ops/shape_rule.h"
#include "ops/widened.h"

namespace sardonyx::ops {
namespace {

// Which input is which.
struct Places {
  size_t cos, sin, positions;
};
constexpr Places kOnnx{.cos = 1, .sin = 2, .positions = 3};
constexpr Places kMicrosoft{.cos = 2, .sin = 3, .positions = 1};

struct Dims {
  int64_t batch = 0, heads = 0, length = 0, size = 0, half = 0;
  bool inside = false;  // [batch, length, heads * size], else [batch, heads, length, size]
};

Status mismatch(const Shape& x, const Shape& cos) {
  return error(ErrorCode::SHAPE_MISMATCH, "tables of shape %s do not fit an input of shape %s",
               cos.to_string().c_str(), x.to_string().c_str());
}

// Of shapes whose dims may be unknown.
Result<Dims> dims_of(const Attributes& attributes, const Shape& x, const Shape& cos) {
  if ((x.rank() != 3 && x.rank() != 4) || cos.rank() < 2 || cos.rank() > 3) {
    return mismatch(x, cos);
  }
  Dims out;
  out.inside = x.rank() == 3;
  out.batch = x[0];
  out.heads = out.inside ? attributes.get_int("num_heads", 0) : x[1];
  out.length = out.inside ? x[1] : x[2];
  out.size = out.inside ? x[2] : x[3];
  const int64_t turned = attributes.get_int("rotary_embedding_dim", 0);
  const int64_t half = cos[cos.rank() - 1];
  if (out.inside && out.heads == 0 && turned == 0 && half > 0 && half < (int64_t{1} << 32)) {
    // com.microsoft: the tables tell the head size.
    out.heads = out.size < 0 ? kUnknownDim : out.size / (2 * half);
  }
  if (out.inside && out.size >= 0) {
    if (out.heads <= 0 || out.heads > out.size || out.size % out.heads != 0) {
      return error(ErrorCode::ATTRIBUTE_INVALID, "num_heads of %lld for a dim of %lld",
                   static_cast<long long>(out.heads), static_cast<long long>(out.size));
    }
    out.size /= out.heads;
  }
  if (turned < 0 || turned % 2 != 0 || (out.size >= 0 && turned > out.size)) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "rotary_embedding_dim is %lld",
                 static_cast<long long>(turned));
  }
  const int64_t wanted = turned > 0 ? turned : out.size;
  if (wanted >= 0 && half >= 0 && (wanted % 2 != 0 || wanted / 2 != half)) return mismatch(x, cos);
  out.half = half;
  return out;
}

class RotaryKernel final : public Kernel {
 public:
  RotaryKernel(const Attributes& attributes, Places places)
      : attributes_(attributes), places_(places) {}

  // Scratch memory: the row of the tables of each token.
  Status bind(BindContext& context) const override {
    const TensorView& x = context.inputs[0];
    SX_ASSIGN(const Dims d, dims_of(attributes_, x.shape, context.inputs[places_.cos].shape));
    ScratchLayout scratch;
    SX_TRY(scratch.add(checked_mul(d.batch, d.length), sizeof(int64_t)).take_status());
    context.scratch_bytes = scratch.bytes();
    return {};
  }

  Status run(const RunContext& context) const override {
    const TensorView& x = context.inputs[0];
    const TensorView& cos = context.inputs[places_.cos];
    SX_ASSIGN(const Dims d, dims_of(attributes_, x.shape, cos.shape));
    const Rotary rotary{.cos = cos.as<const float>(),
                        .sin = context.inputs[places_.sin].as<const float>(),
                        .positions = cos.shape.product(0, cos.shape.rank() - 1),
                        .half = d.half,
                        .interleaved = attributes_.get_int("interleaved", 0) != 0};
    const HeadSteps steps = d.inside ? heads_inside(d.heads, d.length, d.size)
                                     : heads_outside(d.heads, d.length, d.size);
    auto* where = reinterpret_cast<int64_t*>(context.scratch);
    find_positions(context, d, where);
    return rotary.turn({d.batch, d.heads, d.length, d.size, where}, {x.as<const float>(), steps},
                       context.outputs[0].as<float>(), steps);
  }
  std::string_view name() const override { return "rotary"; }

 private:
  // Without positions the tables have a row per token; one position is that of the first token.
  void find_positions(const RunContext& context, const Dims& d, int64_t* where) const {
    const bool given = context.has_input(places_.positions);
    const TensorView positions = given ? context.inputs[places_.positions] : TensorView();
    const bool first = positions.shape.rank() < 2;
    for (int64_t i = 0; i < d.batch * d.length; ++i) {
      if (!given) {
        where[i] = i;
      } else if (first) {
        where[i] = checked_add(positions.as<const int64_t>()[0], i % d.length).value_or(-1);
      } else {
        where[i] = positions.as<const int64_t>()[i];
      }
    }
  }

  const Attributes& attributes_;
  Places places_;
};

Status check_positions(const InferContext& context, Places places, bool one_allowed) {
  SX_TRY(check_dtype(context, places.positions, {DType::kInt64}));
  const ValueFacts& x = context.inputs[0];
  const ValueFacts& cos = context.inputs[places.cos];
  if (!x.is_static() || !cos.is_static()) return {};
  const int64_t batch = x.shape[0], length = x.shape.rank() == 3 ? x.shape[1] : x.shape[2];
  if (!context.has_input(places.positions)) {
    if (cos.shape.rank() == 3 && cos.shape[0] == batch && cos.shape[1] == length) return {};
    return mismatch(x.shape, cos.shape);
  }
  if (cos.shape.rank() != 2) return mismatch(x.shape, cos.shape);
  const ValueFacts& positions = context.inputs[places.positions];
  if (!positions.is_static()) return {};
  if (positions.shape == Shape{batch, length}) return {};
  if (one_allowed && positions.shape.rank() < 2 && positions.shape.elements() == 1) return {};
  return error(ErrorCode::SHAPE_MISMATCH, "positions of shape %s for an input of shape %s",
               positions.shape.to_string().c_str(), x.shape.to_string().c_str());
}

Status infer(InferContext& context, Places places, bool one_allowed) {
  SX_TRY(check_dtype(context, 0, {DType::kFloat32, DType::kFloat16, DType::kBfloat16}));
  SX_TRY(check_same_dtype(context, 0, places.cos));
  SX_TRY(check_same_dtype(context, 0, places.sin));
  const ValueFacts& x = context.inputs[0];
  const ValueFacts& cos = context.inputs[places.cos];
  const ValueFacts& sin = context.inputs[places.sin];
  if (x.has_shape && cos.has_shape) {
    SX_TRY(dims_of(context.attributes, x.shape, cos.shape).take_status());
  }
  if (cos.is_static() && sin.is_static() && !(cos.shape == sin.shape)) {
    return mismatch(cos.shape, sin.shape);
  }
  SX_TRY(check_positions(context, places, one_allowed));
  return same_as_input(context);
}

}  // namespace

Status infer_rotary_embedding(InferContext& context) {
  SX_TRY(check_arity(context, 3, 4));
  return infer(context, kOnnx, false);
}
Result<KernelPtr> make_rotary_embedding(const KernelInit& init) {
  return widened(init, [](const KernelInit& wide) -> Result<KernelPtr> {
    return KernelPtr(std::make_unique<RotaryKernel>(wide.attributes, kOnnx));
  });
}

Status infer_ms_rotary_embedding(InferContext& context) {
  SX_TRY(check_arity(context, 4, 4));
  for (const char* name : {"is_packed_batching", "scale"}) {
    const bool plain = context.attributes.get_int(name, 0) == 0 &&
                       context.attributes.get_float(name, 1.0f) == 1.0f;
    if (!plain) return error(ErrorCode::ATTRIBUTE_INVALID, "%s is not supported", name);
  }
  return infer(context, kMicrosoft, true);
}
Result<KernelPtr> make_ms_rotary_embedding(const KernelInit& init) {
  return widened(init, [](const KernelInit& wide) -> Result<KernelPtr> {
    return KernelPtr(std::make_unique<RotaryKernel>(wide.attributes, kMicrosoft));
  });
}

}  // namespace sardonyx::ops
