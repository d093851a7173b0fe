// Attention of ai.onnx: with masks, grouped heads, keys and values of the past, a soft cap, and the
// scores as an output.
#include <cmath>

#include "ops/cached_attention.h"
#include "ops/dims.h"
#include "ops/operator.h"
#include "ops/scaled_dot_attention.h"
#include "ops/shape_rule.h"
#include "ops/widened.h"

namespace sardonyx::ops {
namespace {

enum Input : size_t { kQ, kK, kV, kMask, kPastKey, kPastValue, kLengths };
enum Output : size_t { kY, kPresentKey, kPresentValue, kScores };

// [batch, heads, length, size] of a tensor of rank 4, or of rank 3 with the heads inside.
struct HeadDims {
  int64_t batch = kUnknownDim, heads = kUnknownDim, length = kUnknownDim, size = kUnknownDim;
};

Result<HeadDims> head_dims(const Shape& shape, const Attributes& attributes, const char* name) {
  if (shape.rank() == 4) return HeadDims{shape[0], shape[1], shape[2], shape[3]};
  const int64_t heads = attributes.get_int(name, 0);
  if (heads <= 0) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "%s is %lld, with inputs of rank 3", name,
                 static_cast<long long>(heads));
  }
  const int64_t width = shape[2];
  if (width > 0 && width % heads != 0) {
    return error(ErrorCode::SHAPE_MISMATCH, "%lld heads do not divide a dim of %lld",
                 static_cast<long long>(heads), static_cast<long long>(width));
  }
  return HeadDims{shape[0], heads, shape[1], width < 0 ? kUnknownDim : width / heads};
}

int64_t sum_dims(int64_t a, int64_t b) {
  if (a == kUnknownDim || b == kUnknownDim) return kUnknownDim;
  return checked_add(a, b).value_or(kUnknownDim);
}

struct Geometry {
  HeadDims q, k, v;
  int64_t past = 0;   // length
  int64_t total = 0;  // keys

  AttentionShape shape() const {
    return {q.batch, q.heads, k.heads, q.length, total, q.size, v.size};
  }
};

Status mismatch(const char* what) {
  return error(ErrorCode::SHAPE_MISMATCH, "the shapes of query, key, value and past differ in %s",
               what);
}

// From shapes whose dims may be unknown. `past_key` and `past_value` may be null.
Result<Geometry> geometry(const Attributes& attributes, const Shape& q, const Shape& k,
                          const Shape& v, const Shape* past_key, const Shape* past_value) {
  const int rank = q.rank();
  if ((rank != 3 && rank != 4) || k.rank() != rank || v.rank() != rank) return mismatch("rank");
  Geometry out;
  SX_ASSIGN(out.q, head_dims(q, attributes, "q_num_heads"));
  SX_ASSIGN(out.k, head_dims(k, attributes, "kv_num_heads"));
  SX_ASSIGN(out.v, head_dims(v, attributes, "kv_num_heads"));
  if (differ(out.q.batch, out.k.batch) || differ(out.q.batch, out.v.batch)) {
    return mismatch("batch");
  }
  if (differ(out.k.length, out.v.length)) return mismatch("length");
  if (differ(out.k.heads, out.v.heads)) return mismatch("heads");
  if (differ(out.q.size, out.k.size)) return mismatch("head size");
  out.total = out.k.length;
  if (!past_key) return out;
  if (past_key->rank() != 4 || past_value->rank() != 4) return mismatch("rank");
  if (differ((*past_key)[0], out.q.batch) || differ((*past_value)[0], out.q.batch)) {
    return mismatch("batch");
  }
  if (differ((*past_key)[1], out.k.heads) || differ((*past_value)[1], out.k.heads)) {
    return mismatch("heads");
  }
  if (differ((*past_key)[2], (*past_value)[2])) return mismatch("length");
  if (differ((*past_key)[3], out.k.size) || differ((*past_value)[3], out.v.size)) {
    return mismatch("head size");
  }
  out.past = (*past_key)[2];
  out.total = sum_dims(out.past, out.k.length);
  return out;
}

Result<Geometry> geometry(const Attributes& attributes, std::span<const TensorView> inputs) {
  const bool past = inputs.size() > kPastValue && inputs[kPastKey].present();
  return geometry(attributes, inputs[kQ].shape, inputs[kK].shape, inputs[kV].shape,
                  past ? &inputs[kPastKey].shape : nullptr,
                  past ? &inputs[kPastValue].shape : nullptr);
}

struct Plan final : StepPlan {
  CachedAttention attention;
};

class AttentionKernel final : public Kernel {
 public:
  explicit AttentionKernel(const Attributes& attributes) : attributes_(attributes) {}

  Status bind(BindContext& context) const override {
    SX_ASSIGN(const Geometry g, geometry(attributes_, context.inputs));
    auto plan = std::make_unique<Plan>();
    ScratchLayout scratch;
    const bool scores = context.outputs.size() > kScores && context.outputs[kScores].present();
    SX_ASSIGN(plan->attention,
              CachedAttention::make(g.shape(), CacheTensors::of(context, kPastKey, kPresentKey),
                                    CacheTensors::of(context, kPastValue, kPresentValue), scores,
                                    scratch));
    context.scratch_bytes = scratch.bytes();
    context.plan = std::move(plan);
    return {};
  }

  Status run(const RunContext& context) const override {
    const CachedAttention& attention = static_cast<const Plan*>(context.plan)->attention;
    SX_ASSIGN(const Geometry g, geometry(attributes_, context.inputs));
    SX_TRY(find_spans(context, g, attention.spans(context.scratch)));
    AttentionCall call;
    call.shape = g.shape();
    call.causal = attributes_.get_int("is_causal", 0) != 0;
    call.softcap = attributes_.get_float("softcap", 0.0f);
    call.scale = attributes_.get_float("scale", 1 / std::sqrt(static_cast<float>(g.q.size)));
    if (context.has_input(kMask)) {
      SX_ASSIGN(call.masks[0],
                make_mask(context.inputs[kMask], g.q.batch, g.q.heads, g.q.length, g.total));
    }
    call.q = rows_of(context.inputs[kQ], g.q);
    call.k = rows_of(context.inputs[kK], g.k);
    call.v = rows_of(context.inputs[kV], g.v);
    call.y = context.outputs[kY].as<float>();
    call.y_steps = steps_of(context.outputs[kY], {g.q.batch, g.q.heads, g.q.length, g.v.size});
    if (context.has_output(kScores)) call.scores = context.outputs[kScores].as<float>();
    call.score_kind = static_cast<ScoreKind>(attributes_.get_int("qk_matmul_output_mode", 0));
    return attention.run(call, g.k.length, CacheTensors::of(context, kPastKey, kPresentKey),
                         CacheTensors::of(context, kPastValue, kPresentValue), context.scratch);
  }
  std::string_view name() const override { return "attention"; }

 private:
  static HeadSteps steps_of(const TensorView& tensor, const HeadDims& dims) {
    return tensor.shape.rank() == 4 ? heads_outside(dims.heads, dims.length, dims.size)
                                    : heads_inside(dims.heads, dims.length, dims.size);
  }
  static HeadRows rows_of(const TensorView& tensor, const HeadDims& dims) {
    return {tensor.as<const float>(), steps_of(tensor, dims)};
  }

  // Causal queries stand at the end of the valid keys.
  static Status find_spans(const RunContext& context, const Geometry& g, KeySpan* spans) {
    const bool given = context.has_input(kLengths);
    for (int64_t i = 0; i < g.q.batch; ++i) {
      spans[i] = {.length = g.total, .offset = g.past, .past = g.past};
      if (!given) continue;
      const int64_t length = context.inputs[kLengths].as<const int64_t>()[i];
      if (length < 0 || length > g.total) {
        return error(ErrorCode::VALUE_RANGE, "nonpad_kv_seqlen is %lld of %lld keys",
                     static_cast<long long>(length), static_cast<long long>(g.total));
      }
      spans[i].length = length;
      if (!context.has_input(kPastKey)) spans[i].offset = length - g.q.length;
    }
    return {};
  }

  const Attributes& attributes_;
};

Status check_inputs(const InferContext& context) {
  const Attributes& attributes = context.attributes;
  SX_TRY(check_arity(context, 3, 7, 4));
  SX_TRY(check_float(context, kQ));
  for (size_t i : {kK, kV, kPastKey, kPastValue}) SX_TRY(check_same_dtype(context, kQ, i));
  SX_TRY(check_dtype(context, kMask, {DType::kBool, context.inputs[kQ].dtype}));
  SX_TRY(check_dtype(context, kLengths, {DType::kInt64}));
  if (context.has_input(kPastKey) != context.has_input(kPastValue)) {
    return error(ErrorCode::GRAPH_INPUT_MISSING, "past_key and past_value come together");
  }
  const int64_t mode = attributes.get_int("qk_matmul_output_mode", 0);
  if (mode < 0 || mode > 3) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "qk_matmul_output_mode is %lld",
                 static_cast<long long>(mode));
  }
  if (!context.has_input(kLengths)) return {};
  const ValueFacts& lengths = context.inputs[kLengths];
  const ValueFacts& q = context.inputs[kQ];
  if (!lengths.has_shape || !q.has_shape) return {};
  if (lengths.shape.rank() == 1 && q.shape.rank() > 0 && !differ(lengths.shape[0], q.shape[0])) {
    return {};
  }
  return error(ErrorCode::SHAPE_MISMATCH, "nonpad_kv_seqlen of shape %s, query of shape %s",
               lengths.shape.to_string().c_str(), q.shape.to_string().c_str());
}

}  // namespace

Status infer_attention(InferContext& context) {
  SX_TRY(check_inputs(context));
  const DType dtype = context.inputs[kQ].dtype;
  bool known = true;
  for (size_t i : {kQ, kK, kV, kPastKey, kPastValue}) {
    if (context.has_input(i)) known = known && context.inputs[i].has_shape;
  }
  if (!known) {
    for (size_t i = 0; i < context.outputs.size(); ++i) context.set_output_unknown(i, dtype);
    return {};
  }
  const bool past = context.has_input(kPastKey);
  SX_ASSIGN(const Geometry g,
            geometry(context.attributes, context.inputs[kQ].shape, context.inputs[kK].shape,
                     context.inputs[kV].shape, past ? &context.inputs[kPastKey].shape : nullptr,
                     past ? &context.inputs[kPastValue].shape : nullptr));
  const bool inside = context.inputs[kQ].shape.rank() == 3;
  const auto width = g.v.size == kUnknownDim || g.q.heads == kUnknownDim
                         ? std::optional(kUnknownDim)
                         : checked_mul(g.v.size, g.q.heads);
  if (!width) return mismatch("size");
  context.set_output(kY, dtype,
                     inside ? Shape{g.q.batch, g.q.length, *width}
                            : Shape{g.q.batch, g.q.heads, g.q.length, g.v.size});
  set_cache_outputs(context, dtype, g.shape());
  return {};
}

Result<KernelPtr> make_attention(const KernelInit& init) {
  return widened(init, [](const KernelInit& wide) -> Result<KernelPtr> {
    return KernelPtr(std::make_unique<AttentionKernel>(wide.attributes));
  });
}

}  // namespace sardonyx::ops
