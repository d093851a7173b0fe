// sardonyx.FusedAttention, which the pass fuse_attention writes: softmax(scale * Q * K' + mask) *
// V.
//
// Q, K and V are [batch, heads, length, size] in the tensors that they come in. For each of them
// `views` has four numbers: the axes of batch, heads and length, -1 where there is none, and the
// index in the axis that is left, if one is; the last axis is the size. Without a batch of Q the
// output has none. Everything broadcasts as in MatMul and Add, after each head of K and V has been
// repeated `repeat` times.
//
// A mask of floats is added; with one of bools, scores become `fill` where it is `filled`. The
// output is [batch, heads, queries, size], with `rows_first` [batch, queries, heads, size].
#include <algorithm>
#include <array>

#include "ops/dims.h"
#include "ops/operator.h"
#include "ops/scaled_dot_attention.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

enum Input : size_t { kQ, kK, kV, kMask };
enum Dim : size_t { kBatch, kHeads, kLength, kSize };
constexpr size_t kViewNumbers = 4;

// One of Q, K and V in its tensor.
struct Part {
  std::array<int64_t, 4> dims{1, 1, 1, 1};
  std::array<int64_t, 4> steps{};  // in elements, of known dims; 0 where it broadcasts
  int64_t offset = 0;
  bool fits = true;

  Part(const Shape& shape, std::span<const int64_t> view) {
    bool indexed = false;
    uint64_t step = 1;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      const int64_t dim = shape[axis];
      const auto named = std::ranges::find(view.first(3), axis);
      const auto which =
          axis == shape.rank() - 1 ? kSize : static_cast<size_t>(named - view.begin());
      if (which == kSize && axis != shape.rank() - 1) {
        const int64_t index = view[3];
        fits = fits && !indexed && index >= 0 && (dim == kUnknownDim || index < dim);
        indexed = true;
        offset = static_cast<int64_t>(step * static_cast<uint64_t>(index));
      } else {
        dims[which] = dim;
        steps[which] = dim == 1 ? 0 : static_cast<int64_t>(step);
      }
      step *= static_cast<uint64_t>(dim);
    }
  }
  HeadRows rows(const TensorView& tensor) const {
    return {tensor.as<const float>() + offset, {steps[kBatch], steps[kHeads], steps[kLength]}};
  }
};

// Broadcasts `to` with another dim; false when they do not fit.
bool join(int64_t& to, int64_t dim) {
  if (to == 1 || (to == kUnknownDim && dim != 1)) to = dim;
  return dim == 1 || !differ(to, dim);
}

struct Geometry {
  Part q, k, v;
  AttentionShape shape;
};

// Of Q, K, V and, unless it is null, the mask; their dims may be unknown.
using Shapes = std::array<const Shape*, 4>;
template <typename Inputs>
Shapes shapes_of(const Inputs& inputs) {
  const bool mask = inputs.size() > kMask && inputs[kMask].present();
  return {&inputs[kQ].shape, &inputs[kK].shape, &inputs[kV].shape,
          mask ? &inputs[kMask].shape : nullptr};
}

Result<Geometry> geometry(const Attributes& attributes, const Shapes& shapes) {
  const auto views = attributes.get_ints("views");
  if (views.size() != 3 * kViewNumbers) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "views has %zu numbers", views.size());
  }
  const auto part = [&](size_t i) {
    return Part(*shapes[i], views.subspan(i * kViewNumbers, kViewNumbers));
  };
  Geometry g{part(kQ), part(kK), part(kV), {}};
  bool fits = g.q.fits && g.k.fits && g.v.fits;
  const int64_t repeat = attributes.get_int("repeat", 1);
  for (Part* repeated : {&g.k, &g.v}) {
    int64_t& heads = repeated->dims[kHeads];
    const auto all = checked_mul(heads, heads < 0 ? 1 : repeat);
    fits = fits && repeat > 0 && all;
    heads = all.value_or(0);
  }
  // Batches, heads, queries and keys.
  std::array<int64_t, 4> scores{1, 1, g.q.dims[kLength], g.k.dims[kLength]};
  for (const size_t i : {kBatch, kHeads}) {
    for (const Part* each : {&g.q, &g.k, &g.v}) fits = join(scores[i], each->dims[i]) && fits;
  }
  if (shapes[kMask]) {
    const Shape& mask = *shapes[kMask];
    fits = fits && mask.rank() <= 4;
    for (int axis = mask.rank() - 1, i = 3; axis >= 0 && i >= 0; --axis, --i) {
      fits = join(scores[static_cast<size_t>(i)], mask[axis]) && fits;
    }
  }
  fits = fits && !differ(scores[3], g.v.dims[kLength]) && !differ(g.q.dims[kSize], g.k.dims[kSize]);
  if (!fits) {
    return error(ErrorCode::SHAPE_MISMATCH,
                 "queries of shape %s, keys of %s, values of %s and the mask do not fit",
                 shapes[kQ]->to_string().c_str(), shapes[kK]->to_string().c_str(),
                 shapes[kV]->to_string().c_str());
  }
  g.shape = {scores[0], scores[1],       scores[1] / repeat, scores[2],
             scores[3], g.q.dims[kSize], g.v.dims[kSize]};
  return g;
}

struct Plan final : StepPlan {
  explicit Plan(const Geometry& from) : g(from) {}
  Geometry g;
  AttentionPlan attention;
  size_t spans = 0;
};

class FusedAttentionKernel final : public Kernel {
 public:
  explicit FusedAttentionKernel(const Attributes& attributes) : attributes_(attributes) {}

  Status bind(BindContext& context) const override {
    SX_ASSIGN(const Geometry g, geometry(attributes_, shapes_of(context.inputs)));
    SX_TRY(check_attention(g.shape));
    auto plan = std::make_unique<Plan>(g);
    ScratchLayout scratch;
    SX_ASSIGN(plan->attention, AttentionPlan::make(g.shape, false, scratch));
    SX_ASSIGN(plan->spans, scratch.add(g.shape.batch, sizeof(KeySpan)));
    context.scratch_bytes = scratch.bytes();
    context.plan = std::move(plan);
    return {};
  }

  Status run(const RunContext& context) const override {
    const Plan& plan = *static_cast<const Plan*>(context.plan);
    const Geometry& g = plan.g;
    auto* spans = reinterpret_cast<KeySpan*>(context.scratch + plan.spans);
    std::fill_n(spans, g.shape.batch, KeySpan{.length = g.shape.keys});
    const auto steps = attributes_.get_int("rows_first", 0) != 0 ? heads_inside : heads_outside;
    AttentionCall call;
    call.shape = g.shape;
    call.spans = spans;
    call.scale = attributes_.get_float("scale", 1.0f);
    call.q = g.q.rows(context.inputs[kQ]);
    call.k = g.k.rows(context.inputs[kK]);
    call.v = g.v.rows(context.inputs[kV]);
    call.y = context.outputs[0].as<float>();
    call.y_steps = steps(g.shape.heads, g.shape.queries, g.shape.v_size);
    call.hidden_is_nan = true;
    if (context.has_input(kMask)) {
      const TensorView& mask = context.inputs[kMask];
      ScoreMask& added = call.masks[0];
      SX_ASSIGN(added,
                make_mask(mask, g.shape.batch, g.shape.heads, g.shape.queries, g.shape.keys));
      if (mask.shape[mask.shape.rank() - 1] == 1) added.key_step = 0;
      added.length = g.shape.keys;
      added.hidden = attributes_.get_float("fill", added.hidden);
      added.hides = attributes_.get_int("filled", 0) != 0;
    }
    return plan.attention.run(call, context.scratch);
  }
  std::string_view name() const override { return "attention"; }

 private:
  const Attributes& attributes_;
};

}  // namespace

Status infer_fused_attention(InferContext& context) {
  SX_TRY(check_arity(context, 3, 4));
  bool known = true;
  for (size_t i = 0; i < context.inputs.size(); ++i) {
    SX_TRY(check_dtype(context, i, {DType::kFloat32, i < kMask ? DType::kFloat32 : DType::kBool}));
    known = known && (context.inputs[i].has_shape || !context.has_input(i));
  }
  context.set_output_unknown(0, DType::kFloat32);
  if (!known) return {};
  const Attributes& attributes = context.attributes;
  SX_ASSIGN(const Geometry g, geometry(attributes, shapes_of(context.inputs)));
  const AttentionShape& s = g.shape;
  const bool rows_first = attributes.get_int("rows_first", 0) != 0;
  const int64_t middle[] = {rows_first ? s.queries : s.heads, rows_first ? s.heads : s.queries};
  context.set_output(0, DType::kFloat32,
                     attributes.get_ints("views")[0] < 0
                         ? Shape{middle[0], middle[1], s.v_size}
                         : Shape{s.batch, middle[0], middle[1], s.v_size});
  return {};
}

Result<KernelPtr> make_fused_attention(const KernelInit& init) {
  return KernelPtr(std::make_unique<FusedAttentionKernel>(init.attributes));
}

}  // namespace sardonyx::ops
