// MultiHeadAttention of com.microsoft: self and cross attention over projections that may come
// packed, with their bias, padding, an added bias of the scores, and keys and values of the past.
#include <algorithm>
#include <cmath>

#include "ops/cached_attention.h"
#include "ops/operator.h"
#include "ops/scaled_dot_attention.h"
#include "ops/shape_rule.h"
#include "ops/widened.h"
#include "simd/elementwise.h"

namespace sardonyx::ops {
namespace {

enum Input : size_t {
  kQuery,
  kKey,
  kValue,
  kBias,
  kPadding,
  kScoreBias,
  kPastKey,
  kPastValue,
  kUnsupported,  // shared buffers and beams
  kInputs = 10
};
enum Output : size_t { kY, kPresentKey, kPresentValue, kScores };

// One of queries, keys and values: where it lies in its tensor.
struct Part {
  size_t input = 0;
  int64_t offset = 0;  // in elements
  int64_t length = 0, size = 0;
  HeadSteps steps;
};

struct Geometry {
  int64_t batch = 0, heads = 0, past = 0;
  Part q, k, v;
  bool whole_keys = false;  // [batch, heads, length, size], which take no bias

  int64_t total() const { return past + k.length; }
  AttentionShape shape() const { return {batch, heads, heads, q.length, total(), q.size, v.size}; }
};

Status mismatch(const Shape& query) {
  return error(ErrorCode::SHAPE_MISMATCH,
               "a query of shape %s does not fit num_heads, key, value or past",
               query.to_string().c_str());
}

// Of static shapes; absent tensors have rank 0.
using Shapes = std::array<Shape, kInputs>;

// Part `index` of `count` that are packed in [batch, length, heads, count, size].
Part packed_part(size_t input, const Shape& shape, int64_t index) {
  const int64_t heads = shape[2], count = shape[3], size = shape[4];
  return {input,
          index * size,
          shape[1],
          size,
          {shape[1] * heads * count * size, count * size, heads * count * size}};
}

bool find_keys(const Shapes& shapes, Geometry& g) {
  const Shape &key = shapes[kKey], &value = shapes[kValue];
  if (key.rank() == 5) {
    if (key[0] != g.batch || key[2] != g.heads || key[3] != 2 || value.rank() != 0) return false;
    g.k = packed_part(kKey, key, 0);
    g.v = packed_part(kKey, key, 1);
    return true;
  }
  if (key.rank() != value.rank() || key.rank() < 3) return false;
  if (key[0] != g.batch || value[0] != g.batch) return false;
  g.whole_keys = key.rank() == 4;
  if (g.whole_keys) {
    if (key[1] != g.heads || value[1] != g.heads) return false;
    g.k = {kKey, 0, key[2], key[3], heads_outside(g.heads, key[2], key[3])};
    g.v = {kValue, 0, value[2], value[3], heads_outside(g.heads, value[2], value[3])};
    return true;
  }
  if (key[2] % g.heads != 0 || value[2] % g.heads != 0) return false;
  g.k = {kKey, 0, key[1], key[2] / g.heads, heads_inside(1, key[1], key[2])};
  g.v = {kValue, 0, value[1], value[2] / g.heads, heads_inside(1, value[1], value[2])};
  g.k.steps.head = g.k.size;
  g.v.steps.head = g.v.size;
  return true;
}

bool past_fits(const Shapes& shapes, Geometry& g) {
  const Shape &key = shapes[kPastKey], &value = shapes[kPastValue];
  if (key.rank() == 0 && value.rank() == 0) return true;
  if (key.rank() != 4) return false;
  g.past = key[2];
  return key == Shape{g.batch, g.heads, g.past, g.k.size} &&
         value == Shape{g.batch, g.heads, g.past, g.v.size};
}

Result<Geometry> geometry(const Attributes& attributes, const Shapes& shapes) {
  Geometry g;
  const Shape& query = shapes[kQuery];
  g.heads = attributes.get_int("num_heads", 0);
  if (g.heads <= 0) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "num_heads is %lld",
                 static_cast<long long>(g.heads));
  }
  if (query.rank() != 3 && query.rank() != 5) return mismatch(query);
  g.batch = query[0];
  bool fits = true;
  if (query.rank() == 5) {
    fits = query[2] == g.heads && query[3] == 3 && shapes[kKey].rank() == 0;
    if (!fits) return mismatch(query);
    g.q = packed_part(kQuery, query, 0);
    g.k = packed_part(kQuery, query, 1);
    g.v = packed_part(kQuery, query, 2);
  } else {
    if (query[2] % g.heads != 0 || !find_keys(shapes, g)) return mismatch(query);
    g.q = {kQuery, 0, query[1], query[2] / g.heads, heads_inside(1, query[1], query[2])};
    g.q.steps.head = g.q.size;
  }
  fits = g.q.size == g.k.size && g.k.length == g.v.length && past_fits(shapes, g) &&
         checked_add(g.past, g.k.length);
  if (!fits) return mismatch(query);
  SX_TRY(check_attention(g.shape()));
  return g;
}

template <typename Tensors>
Shapes shapes_of(const Tensors& inputs) {
  Shapes out;
  for (size_t i = 0; i < inputs.size() && i < out.size(); ++i) {
    if (inputs[i].present()) out[i] = inputs[i].shape;
  }
  return out;
}

struct Plan final : StepPlan {
  Geometry g;
  CachedAttention attention;
  size_t biased[3] = {};  // queries, keys and values with their bias
};

class MultiHeadKernel final : public Kernel {
 public:
  explicit MultiHeadKernel(const Attributes& attributes) : attributes_(attributes) {}

  Status bind(BindContext& context) const override {
    auto plan = std::make_unique<Plan>();
    SX_ASSIGN(plan->g, geometry(attributes_, shapes_of(context.inputs)));
    const Geometry& g = plan->g;
    ScratchLayout scratch;
    const bool scores = context.outputs.size() > kScores && context.outputs[kScores].present();
    SX_ASSIGN(plan->attention,
              CachedAttention::make(g.shape(), CacheTensors::of(context, kPastKey, kPresentKey),
                                    CacheTensors::of(context, kPastValue, kPresentValue), scores,
                                    scratch));
    if (context.inputs.size() > kBias && context.inputs[kBias].present()) {
      for (const auto& [at, part] : {std::pair(0, &g.q), {1, &g.k}, {2, &g.v}}) {
        // As many as the tensor has elements at most: no overflow.
        SX_ASSIGN(plan->biased[at],
                  scratch.add_floats(g.batch * g.heads * part->length * part->size));
      }
    }
    context.scratch_bytes = scratch.bytes();
    context.plan = std::move(plan);
    return {};
  }

  Status run(const RunContext& context) const override {
    const Plan& plan = *static_cast<const Plan*>(context.plan);
    const Geometry& g = plan.g;
    KeySpan* spans = plan.attention.spans(context.scratch);
    for (int64_t i = 0; i < g.batch; ++i) {
      spans[i] = {.length = g.total(), .offset = g.past, .past = g.past};
    }
    AttentionCall call;
    call.shape = g.shape();
    call.causal = attributes_.get_int("unidirectional", 0) != 0;
    call.scale = attributes_.get_float("scale", 0.0f);
    if (call.scale == 0) call.scale = 1 / std::sqrt(static_cast<float>(g.q.size));
    SX_TRY(find_masks(context, g, call, spans));

    const bool bias = context.has_input(kBias);
    call.q = rows(context, plan, g.q, 0, 0, bias);
    call.k = rows(context, plan, g.k, 1, g.q.size, bias && !g.whole_keys);
    call.v = rows(context, plan, g.v, 2, 2 * g.q.size, bias && !g.whole_keys);
    call.y = context.outputs[kY].as<float>();
    call.y_steps = heads_inside(g.heads, g.q.length, g.v.size);
    if (context.has_output(kScores)) call.scores = context.outputs[kScores].as<float>();
    call.score_kind = ScoreKind::kMasked;
    return plan.attention.run(call, g.k.length, CacheTensors::of(context, kPastKey, kPresentKey),
                              CacheTensors::of(context, kPastValue, kPresentValue),
                              context.scratch);
  }
  std::string_view name() const override { return "multi_head_attention"; }

 private:
  Status find_masks(const RunContext& context, const Geometry& g, AttentionCall& call,
                    KeySpan* spans) const {
    if (context.has_input(kScoreBias)) {
      SX_ASSIGN(call.masks[0],
                make_mask(context.inputs[kScoreBias], g.batch, g.heads, g.q.length, g.total()));
    }
    if (!context.has_input(kPadding)) return {};
    TensorView padding = context.inputs[kPadding];
    if (padding.shape.rank() == 1) {
      for (int64_t i = 0; i < g.batch; ++i) {
        spans[i].length = std::clamp<int64_t>(padding.as<const int32_t>()[i], 0, g.total());
      }
      return {};
    }
    // [batch, keys] and [batch, queries, keys] are the same for all heads.
    padding.shape = padding.shape.rank() == 2
                        ? Shape{padding.shape[0], 1, 1, padding.shape[1]}
                        : Shape{padding.shape[0], 1, padding.shape[1], padding.shape[2]};
    SX_ASSIGN(call.masks[1], make_mask(padding, g.batch, g.heads, g.q.length, g.total()));
    call.masks[1].adds_hidden = true;
    call.masks[1].hidden = attributes_.get_float("mask_filter_value", -10000.0f);
    return {};
  }

  // A part as it lies, or a copy with its bias, which stands `before` elements per head behind the
  // beginning of the bias.
  static HeadRows rows(const RunContext& context, const Plan& plan, const Part& part, size_t which,
                       int64_t before, bool biased) {
    const Geometry& g = plan.g;
    const auto* data = context.inputs[part.input].as<const float>();
    if (!data) return {};  // no tokens
    HeadRows from{data + part.offset, part.steps};
    if (!biased) return from;
    const float* bias = context.inputs[kBias].as<const float>() + before * g.heads;
    auto* to = reinterpret_cast<float*>(context.scratch + plan.biased[which]);
    for (int64_t i = 0; i < g.batch * part.length * g.heads; ++i) {
      const int64_t head = i % g.heads, token = i / g.heads;
      simd::binary(simd::BinaryKind::kAdd,
                   {from.at(token / part.length, head, token % part.length)},
                   {bias + head * part.size}, to + i * part.size, part.size);
    }
    return {to, heads_inside(g.heads, part.length, part.size)};
  }

  const Attributes& attributes_;
};

Status check_inputs(const InferContext& context) {
  SX_TRY(check_arity(context, 1, kInputs, 4));
  SX_TRY(check_dtype(context, kQuery, {DType::kFloat32, DType::kFloat16, DType::kBfloat16}));
  for (size_t i : {kKey, kValue, kBias, kScoreBias, kPastKey, kPastValue}) {
    SX_TRY(check_same_dtype(context, kQuery, i));
  }
  SX_TRY(check_dtype(context, kPadding, {DType::kInt32}));
  for (size_t i = kUnsupported; i < kInputs; ++i) {
    if (!context.has_input(i)) continue;
    return error(ErrorCode::MODEL_UNSUPPORTED,
                 "input %zu (a shared buffer, beams) is not supported", i);
  }
  if (context.has_input(kPastKey) == context.has_input(kPastValue)) return {};
  return error(ErrorCode::GRAPH_INPUT_MISSING, "past_key and past_value come together");
}

Status check_optional_shapes(const InferContext& context, const Geometry& g) {
  if (context.has_input(kBias)) {
    const Shape& bias = context.inputs[kBias].shape;
    if (!(bias == Shape{g.heads * (2 * g.q.size + g.v.size)})) return mismatch(bias);
  }
  if (!context.has_input(kPadding)) return {};
  const Shape& padding = context.inputs[kPadding].shape;
  const bool fits = padding == Shape{g.batch} || padding == Shape{g.batch, g.total()} ||
                    padding == Shape{g.batch, g.q.length, g.total()};
  return fits ? Status()
              : error(ErrorCode::SHAPE_MISMATCH, "key_padding_mask has shape %s, for %lld keys",
                      padding.to_string().c_str(), static_cast<long long>(g.total()));
}

}  // namespace

Status infer_multi_head_attention(InferContext& context) {
  SX_TRY(check_inputs(context));
  const DType dtype = context.inputs[kQuery].dtype;
  for (size_t i = 0; i < context.outputs.size(); ++i) context.set_output_unknown(i, dtype);
  for (size_t i = 0; i < context.inputs.size(); ++i) {
    if (context.has_input(i) && !context.inputs[i].is_static()) return {};
  }
  SX_ASSIGN(const Geometry g, geometry(context.attributes, shapes_of(context.inputs)));
  SX_TRY(check_optional_shapes(context, g));
  context.set_output(kY, dtype, {g.batch, g.q.length, g.heads * g.v.size});
  set_cache_outputs(context, dtype, g.shape());
  return {};
}

Result<KernelPtr> make_multi_head_attention(const KernelInit& init) {
  return widened(init, [](const KernelInit& wide) -> Result<KernelPtr> {
    return KernelPtr(std::make_unique<MultiHeadKernel>(wide.attributes));
  });
}

}  // namespace sardonyx::ops
