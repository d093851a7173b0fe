// GroupQueryAttention of com.microsoft: causal attention of the newest tokens to all so far, with
// the keys and values of earlier ones, rotary positions, a local window, a soft cap and sinks.
#include <cmath>

#include "ops/cached_attention.h"
#include "ops/operator.h"
#include "ops/rotary.h"
#include "ops/scaled_dot_attention.h"
#include "ops/shape_rule.h"
#include "ops/widened.h"

namespace sardonyx::ops {
namespace {

enum Input : size_t {
  kQuery,
  kKey,
  kValue,
  kPastKey,
  kPastValue,
  kLastIndices,  // of each batch entry: its tokens so far, this run's included, less one
  kTotal,
  kCos,
  kSin,
  kPositions,
  kBias,
  kSinks,
  kUnsupported,  // quantized caches, norms of queries and keys
  kInputs = 16
};
enum Output : size_t { kY, kPresentKey, kPresentValue, kScores };

struct Heads {
  int64_t q = 0, kv = 0;
};

Result<Heads> heads_of(const Attributes& attributes) {
  constexpr int64_t kMost = 1 << 20;
  const Heads out{attributes.get_int("num_heads", 0), attributes.get_int("kv_num_heads", 0)};
  if (out.q > 0 && out.kv > 0 && out.q <= kMost && out.q % out.kv == 0) return out;
  return error(ErrorCode::ATTRIBUTE_INVALID, "num_heads is %lld, kv_num_heads %lld",
               static_cast<long long>(out.q), static_cast<long long>(out.kv));
}

struct Geometry {
  Heads heads;
  bool packed = false;  // queries, keys and values of a token in one row
  int64_t batch = 0, added = 0, size = 0;
  int64_t past = 0;  // length of the buffers of the past
};

// Of static shapes.
template <typename ShapeOf>
Result<Geometry> geometry(const Attributes& attributes, bool packed, bool past, ShapeOf shape_of) {
  Geometry out;
  SX_ASSIGN(out.heads, heads_of(attributes));
  out.packed = packed;
  const Shape& q = shape_of(kQuery);
  const int64_t in_row = packed ? out.heads.q + 2 * out.heads.kv : out.heads.q;
  bool fits = q.rank() == 3 && q[2] > 0 && q[2] % in_row == 0;
  if (fits) {
    out.batch = q[0];
    out.added = q[1];
    out.size = q[2] / in_row;
    const Shape fresh{out.batch, out.added, out.heads.kv * out.size};
    if (!packed) fits = shape_of(kKey) == fresh && shape_of(kValue) == fresh;
  }
  if (fits && past) {
    const Shape& key = shape_of(kPastKey);
    out.past = key.rank() == 4 ? key[2] : 0;
    fits = key == Shape{out.batch, out.heads.kv, out.past, out.size} && shape_of(kPastValue) == key;
  }
  if (fits) return out;
  return error(ErrorCode::SHAPE_MISMATCH,
               "a query of shape %s with %lld heads does not fit key, value or past",
               q.to_string().c_str(), static_cast<long long>(out.heads.q));
}

Result<Geometry> geometry(const Attributes& attributes, std::span<const TensorView> inputs) {
  return geometry(attributes, !inputs[kKey].present(), inputs[kPastKey].present(),
                  [&](size_t i) -> const Shape& { return inputs[i].shape; });
}

struct Plan final : StepPlan {
  CachedAttention attention;
  size_t positions = 0, turned_queries = 0, turned_keys = 0;  // for the rotation
};

// Where a run's tokens stand.
struct Tokens {
  KeySpan* spans;
  int64_t* positions;  // of every token, for the rotation
  int64_t total = 0;   // of the longest batch entry
};

class GroupQueryKernel final : public Kernel {
 public:
  explicit GroupQueryKernel(const Attributes& attributes)
      : attributes_(attributes), rotates_(attributes.get_int("do_rotary", 0) != 0) {}

  Status bind(BindContext& context) const override {
    SX_ASSIGN(const Geometry g, geometry(attributes_, context.inputs));
    auto plan = std::make_unique<Plan>();
    ScratchLayout scratch;
    const bool scores = context.outputs.size() > kScores && context.outputs[kScores].present();
    SX_ASSIGN(plan->attention,
              CachedAttention::make(shape_of(g, capacity(g, context.outputs)),
                                    CacheTensors::of(context, kPastKey, kPresentKey),
                                    CacheTensors::of(context, kPastValue, kPresentValue), scores,
                                    scratch));
    if (rotates_) {
      const int64_t row = g.batch * g.added * g.size;  // no more than the query has elements
      SX_ASSIGN(plan->positions, scratch.add(g.batch * g.added, sizeof(int64_t)));
      SX_ASSIGN(plan->turned_queries, scratch.add_floats(checked_mul(row, g.heads.q)));
      SX_ASSIGN(plan->turned_keys, scratch.add_floats(checked_mul(row, g.heads.kv)));
    }
    context.scratch_bytes = scratch.bytes();
    context.plan = std::move(plan);
    return {};
  }

  Status run(const RunContext& context) const override {
    const Plan& plan = *static_cast<const Plan*>(context.plan);
    SX_ASSIGN(const Geometry g, geometry(attributes_, context.inputs));
    Tokens tokens{plan.attention.spans(context.scratch),
                  reinterpret_cast<int64_t*>(context.scratch + plan.positions)};
    SX_TRY(place_tokens(context, g, tokens));

    AttentionCall call;
    call.shape = shape_of(g, tokens.total);
    call.causal = attributes_.get_int("causal", 1) != 0;
    call.window = attributes_.get_int("local_window_size", -1);
    call.softcap = attributes_.get_float("softcap", 0.0f);
    call.scale = attributes_.get_float("scale", 0.0f);
    if (call.scale == 0) call.scale = 1 / std::sqrt(static_cast<float>(g.size));
    split(context, g, call);
    if (rotates_) SX_TRY(rotate(context, plan, g, tokens, call));
    if (context.has_input(kBias)) {
      SX_ASSIGN(call.masks[0],
                make_mask(context.inputs[kBias], g.batch, g.heads.q, g.added, tokens.total));
    }
    call.has_sink = context.has_input(kSinks) || attributes_.get_int("smooth_softmax", 0) != 0;
    if (context.has_input(kSinks)) call.sinks = context.inputs[kSinks].as<const float>();
    call.y = context.outputs[kY].as<float>();
    call.y_steps = heads_inside(g.heads.q, g.added, g.size);
    if (context.has_output(kScores)) call.scores = context.outputs[kScores].as<float>();
    call.score_kind =
        attributes_.get_int("qk_output", 0) == 2 ? ScoreKind::kProbabilities : ScoreKind::kMasked;
    return plan.attention.run(call, g.added, CacheTensors::of(context, kPastKey, kPresentKey),
                              CacheTensors::of(context, kPastValue, kPresentValue),
                              context.scratch);
  }
  std::string_view name() const override { return "group_query_attention"; }

 private:
  static AttentionShape shape_of(const Geometry& g, int64_t keys) {
    return {g.batch, g.heads.q, g.heads.kv, g.added, keys, g.size, g.size};
  }
  // Length of the buffers of keys and values, at least as long as any batch entry.
  static int64_t capacity(const Geometry& g, std::span<const TensorView> outputs) {
    for (size_t i = kPresentKey; i <= kPresentValue && i < outputs.size(); ++i) {
      if (outputs[i].present()) return outputs[i].shape[2];
    }
    return g.past + g.added;
  }

  // Tokens stand behind those of the past; in a first run there are none, and the shorter batch
  // entries are padded at their ends.
  static Status place_tokens(const RunContext& context, const Geometry& g, Tokens& tokens) {
    SX_ASSIGN(tokens.total, int_scalar(context.inputs[kTotal]));
    if (tokens.total < 0 || tokens.total > capacity(g, context.outputs)) {
      return error(ErrorCode::VALUE_RANGE, "total_sequence_length is %lld",
                   static_cast<long long>(tokens.total));
    }
    const bool first = tokens.total == g.added;
    for (int64_t i = 0; i < g.batch; ++i) {
      const int64_t length = int64_t{context.inputs[kLastIndices].as<const int32_t>()[i]} + 1;
      const int64_t past = first ? 0 : length - g.added;
      if (length < 0 || length > tokens.total || past < 0 || past > g.past) {
        return error(ErrorCode::VALUE_RANGE, "seqlens_k is %lld, with %lld tokens of %lld",
                     static_cast<long long>(length - 1), static_cast<long long>(g.added),
                     static_cast<long long>(tokens.total));
      }
      tokens.spans[i] = {.length = length, .offset = past, .past = past};
    }
    return {};
  }

  static void split(const RunContext& context, const Geometry& g, AttentionCall& call) {
    const auto* q = context.inputs[kQuery].as<const float>();
    if (!q) return;  // no tokens
    if (g.packed) {
      const HeadSteps steps = heads_inside(g.heads.q + 2 * g.heads.kv, g.added, g.size);
      call.q = {q, steps};
      call.k = {q + g.heads.q * g.size, steps};
      call.v = {call.k.data + g.heads.kv * g.size, steps};
      return;
    }
    call.q = {q, heads_inside(g.heads.q, g.added, g.size)};
    const HeadSteps steps = heads_inside(g.heads.kv, g.added, g.size);
    call.k = {context.inputs[kKey].as<const float>(), steps};
    call.v = {context.inputs[kValue].as<const float>(), steps};
  }

  void find_positions(const RunContext& context, const Geometry& g, const Tokens& tokens) const {
    for (int64_t i = 0; i < g.batch * g.added; ++i) {
      if (context.has_input(kPositions)) {
        tokens.positions[i] = context.inputs[kPositions].as<const int64_t>()[i];
        continue;
      }
      const int64_t batch = i / g.added;
      const int64_t at = tokens.spans[batch].past + i % g.added;
      // Padding stands anywhere.
      tokens.positions[i] = at < tokens.spans[batch].length ? at : 0;
    }
  }

  Status rotate(const RunContext& context, const Plan& plan, const Geometry& g,
                const Tokens& tokens, AttentionCall& call) const {
    find_positions(context, g, tokens);
    const TensorView& cos = context.inputs[kCos];
    const Rotary rotary{.cos = cos.as<const float>(),
                        .sin = context.inputs[kSin].as<const float>(),
                        .positions = cos.shape[0],
                        .half = cos.shape[1],
                        .interleaved = attributes_.get_int("rotary_interleaved", 0) != 0};
    const auto turn = [&](HeadRows& rows, int64_t heads, size_t offset) {
      auto* to = reinterpret_cast<float*>(context.scratch + offset);
      const HeadSteps steps = heads_inside(heads, g.added, g.size);
      const HeadRows from = rows;
      rows = {to, steps};
      return rotary.turn({g.batch, heads, g.added, g.size, tokens.positions}, from, to, steps);
    };
    SX_TRY(turn(call.q, g.heads.q, plan.turned_queries));
    return turn(call.k, g.heads.kv, plan.turned_keys);
  }

  const Attributes& attributes_;
  bool rotates_;
};

Status check_tables(const InferContext& context, const Geometry& g) {
  if (context.attributes.get_int("do_rotary", 0) == 0) return {};
  if (!context.has_input(kCos) || !context.has_input(kSin)) {
    return error(ErrorCode::GRAPH_INPUT_MISSING, "do_rotary needs cos_cache and sin_cache");
  }
  const Shape& cos = context.inputs[kCos].shape;
  if (cos.rank() == 2 && context.inputs[kSin].shape == cos && cos[1] <= g.size / 2) return {};
  return error(ErrorCode::SHAPE_MISMATCH, "tables of shape %s do not fit heads of size %lld",
               cos.to_string().c_str(), static_cast<long long>(g.size));
}

Status check_shapes(const InferContext& context, const Geometry& g) {
  SX_TRY(check_tables(context, g));
  const auto elements_are = [&](size_t i, int64_t count) {
    return !context.has_input(i) || context.inputs[i].shape.elements() == count;
  };
  if (elements_are(kLastIndices, g.batch) && elements_are(kTotal, 1) &&
      elements_are(kPositions, g.batch * g.added) && elements_are(kSinks, g.heads.q)) {
    return {};
  }
  return error(ErrorCode::SHAPE_MISMATCH,
               "seqlens_k, total_sequence_length, position_ids or head_sink do not fit %lld x %lld "
               "tokens of %lld heads",
               static_cast<long long>(g.batch), static_cast<long long>(g.added),
               static_cast<long long>(g.heads.q));
}

Status check_inputs(const InferContext& context) {
  SX_TRY(check_arity(context, 1, kInputs, 4));
  for (size_t i : {kLastIndices, kTotal}) {
    if (!context.has_input(i)) {
      return error(ErrorCode::GRAPH_INPUT_MISSING, "input %zu is missing", i);
    }
    SX_TRY(check_dtype(context, i, {DType::kInt32}));
  }
  for (size_t i = kUnsupported; i < kInputs; ++i) {
    if (!context.has_input(i)) continue;
    return error(ErrorCode::MODEL_UNSUPPORTED,
                 "input %zu (a quantized cache, norms) is not supported", i);
  }
  SX_TRY(check_dtype(context, kQuery, {DType::kFloat32, DType::kFloat16, DType::kBfloat16}));
  for (size_t i : {kKey, kValue, kPastKey, kPastValue, kCos, kSin, kBias, kSinks}) {
    SX_TRY(check_same_dtype(context, kQuery, i));
  }
  SX_TRY(check_dtype(context, kPositions, {DType::kInt64}));
  if (context.has_input(kKey) != context.has_input(kValue) ||
      context.has_input(kPastKey) != context.has_input(kPastValue)) {
    return error(ErrorCode::GRAPH_INPUT_MISSING, "keys and values come together");
  }
  if (context.attributes.get_int("sliding_window_cache", 0) != 0) {
    return error(ErrorCode::MODEL_UNSUPPORTED, "sliding_window_cache is not supported");
  }
  return heads_of(context.attributes).take_status();
}

// What the query alone tells.
Status set_partial_shapes(InferContext& context) {
  const ValueFacts& q = context.inputs[kQuery];
  if (!q.has_shape || q.shape.rank() != 3) return {};
  SX_ASSIGN(const Heads heads, heads_of(context.attributes));
  const int64_t in_row = context.has_input(kKey) ? heads.q : heads.q + 2 * heads.kv;
  const int64_t size = q.shape[2] < 0 ? kUnknownDim : q.shape[2] / in_row;
  context.set_output(kY, q.dtype,
                     {q.shape[0], q.shape[1], size < 0 ? kUnknownDim : size * heads.q});
  for (size_t i : {kPresentKey, kPresentValue}) {
    if (!context.has_output(i)) continue;
    context.set_output(i, q.dtype, {q.shape[0], heads.kv, kUnknownDim, size});
  }
  return {};
}

}  // namespace

Status infer_group_query_attention(InferContext& context) {
  SX_TRY(check_inputs(context));
  const DType dtype = context.inputs[kQuery].dtype;
  bool known = true;
  for (size_t i = 0; i < context.inputs.size(); ++i) {
    known = known && (!context.has_input(i) || context.inputs[i].is_static());
  }
  for (size_t i = 0; i < context.outputs.size(); ++i) context.set_output_unknown(i, dtype);
  if (!known) return set_partial_shapes(context);
  SX_ASSIGN(const Geometry g,
            geometry(context.attributes, !context.has_input(kKey), context.has_input(kPastKey),
                     [&](size_t i) -> const Shape& { return context.inputs[i].shape; }));
  SX_TRY(check_shapes(context, g));
  context.set_output(kY, dtype, {g.batch, g.added, g.heads.q * g.size});
  const TensorView* total_value = context.inputs[kTotal].value;
  if (!total_value) return {};
  SX_ASSIGN(const int64_t total, int_scalar(*total_value));
  if (total < 0) {
    return error(ErrorCode::VALUE_RANGE, "total_sequence_length is %lld",
                 static_cast<long long>(total));
  }
  const Shape present{g.batch, g.heads.kv, std::max(g.past, total), g.size};
  for (size_t i : {kPresentKey, kPresentValue}) {
    if (context.has_output(i)) context.set_output(i, dtype, present);
  }
  if (context.has_output(kScores)) {
    context.set_output(kScores, dtype, {g.batch, g.heads.q, g.added, total});
  }
  return {};
}

Result<KernelPtr> make_group_query_attention(const KernelInit& init) {
  return widened(init, [](const KernelInit& wide) -> Result<KernelPtr> {
    return KernelPtr(std::make_unique<GroupQueryKernel>(wide.attributes));
  });
}

}  // namespace sardonyx::ops
