// NonMaxSuppression: boxes by descending score, without those that overlap a better one.
#include <algorithm>

#include "ops/indices.h"
#include "ops/operator.h"
#include "ops/scratch.h"
#include "ops/shape_rule.h"
#include "ops/sort_key.h"

namespace sardonyx::ops {
namespace {

struct Corners {
  float y0, x0, y1, x1;
  float area() const { return (y1 - y0) * (x1 - x0); }
};

Corners corners_of(const float* box, bool center) {
  if (center) {
    const float x = box[0], y = box[1], half_width = box[2] / 2, half_height = box[3] / 2;
    return {y - half_height, x - half_width, y + half_height, x + half_width};
  }
  return {std::min(box[0], box[2]), std::min(box[1], box[3]), std::max(box[0], box[2]),
          std::max(box[1], box[3])};
}

float overlap(const Corners& a, const Corners& b) {
  const float height = std::min(a.y1, b.y1) - std::max(a.y0, b.y0);
  const float width = std::min(a.x1, b.x1) - std::max(a.x0, b.x0);
  if (height <= 0 || width <= 0) return 0;
  const float both = height * width;
  return both / (a.area() + b.area() - both);
}

struct Suppression {
  const float* boxes;
  const float* scores;
  int64_t batches, count, classes;
  int64_t limit = 0;  // boxes per class
  float overlap_threshold = 0;
  bool has_score_threshold = false;
  float score_threshold = 0;
  bool center = false;

  // Selects from one class into `items`, which has room for all boxes; the number selected.
  int64_t select(int64_t batch, int64_t label, KeyedIndex* items) const {
    const float* row = scores + (batch * classes + label) * count;
    int64_t candidates = 0;
    for (int64_t i = 0; i < count; ++i) {
      if (has_score_threshold && !(row[i] > score_threshold)) continue;
      uint64_t key;
      sort_keys(DType::kFloat32, row + i, 1, &key);
      items[candidates++] = {~key, i};
    }
    sort_keyed(items, candidates);
    int64_t selected = 0;
    for (int64_t i = 0; i < candidates && selected < limit; ++i) {
      if (is_free(batch, items, selected, items[i].index)) items[selected++] = items[i];
    }
    return selected;
  }

  bool is_free(int64_t batch, const KeyedIndex* selected, int64_t n, int64_t box) const {
    const Corners here = corner(batch, box);
    for (int64_t i = 0; i < n; ++i) {
      if (overlap(here, corner(batch, selected[i].index)) > overlap_threshold) return false;
    }
    return true;
  }
  Corners corner(int64_t batch, int64_t box) const {
    return corners_of(boxes + (batch * count + box) * 4, center);
  }

  // Calls use(batch, class, box) for all that are selected.
  template <typename Use>
  void run(KeyedIndex* items, Use&& use) const {
    for (int64_t batch = 0; batch < batches && limit > 0; ++batch) {
      for (int64_t label = 0; label < classes; ++label) {
        const int64_t selected = select(batch, label, items);
        for (int64_t i = 0; i < selected; ++i) use(batch, label, items[i].index);
      }
    }
  }
};

float float_at(std::span<const TensorView> inputs, size_t i, float fallback) {
  return i < inputs.size() && inputs[i].present() ? *inputs[i].as<const float>() : fallback;
}

Result<Suppression> read_suppression(const Attributes& attributes,
                                     std::span<const TensorView> inputs) {
  const Shape& scores = inputs[1].shape;
  Suppression out{inputs[0].as<const float>(), inputs[1].as<const float>(), scores[0], scores[2],
                  scores[1]};
  if (inputs.size() > 2 && inputs[2].present()) {
    SX_ASSIGN(out.limit, int_scalar(inputs[2]));
  }
  out.overlap_threshold = float_at(inputs, 3, 0);
  out.has_score_threshold = inputs.size() > 4 && inputs[4].present();
  out.score_threshold = float_at(inputs, 4, 0);
  out.center = attributes.get_int("center_point_box", 0) != 0;
  return out;
}

class NonMaxSuppressionKernel final : public Kernel {
 public:
  explicit NonMaxSuppressionKernel(const Attributes& attributes) : attributes_(attributes) {}

  Status bind(BindContext& context) const override {
    ScratchLayout layout;
    SX_TRY(layout.add(context.inputs[1].shape[2], sizeof(KeyedIndex)).take_status());
    context.scratch_bytes = layout.bytes();
    return {};
  }

  Status run(const RunContext& context) const override {
    const TensorView& y = context.outputs[0];
    SX_ASSIGN(const Suppression suppression, read_suppression(attributes_, context.inputs));
    int64_t room = y.shape[0];
    auto* out = y.as<int64_t>();
    auto* items = static_cast<KeyedIndex*>(static_cast<void*>(context.scratch));
    suppression.run(items, [&](int64_t batch, int64_t label, int64_t box) {
      if (room-- <= 0) return;
      *out++ = batch;
      *out++ = label;
      *out++ = box;
    });
    if (room == 0) return {};
    return error(ErrorCode::INTERNAL, "the boxes have changed since they were counted");
  }
  std::string_view name() const override { return "non_max_suppression"; }

 private:
  const Attributes& attributes_;
};

Status check_boxes(const InferContext& context) {
  SX_TRY(check_dtype(context, 0, {DType::kFloat32}));
  SX_TRY(check_dtype(context, 1, {DType::kFloat32}));
  SX_TRY(check_index_dtype(context, 2));
  SX_TRY(check_dtype(context, 3, {DType::kFloat32}));
  SX_TRY(check_dtype(context, 4, {DType::kFloat32}));
  for (size_t i = 2; i < context.inputs.size(); ++i) {
    const ValueFacts& input = context.inputs[i];
    if (!context.has_input(i) || !input.is_static() || input.shape.elements() == 1) continue;
    return error(ErrorCode::SHAPE_MISMATCH, "input %zu has shape %s: a scalar is wanted", i,
                 input.shape.to_string().c_str());
  }
  const ValueFacts& boxes = context.inputs[0];
  const ValueFacts& scores = context.inputs[1];
  if (!boxes.is_static() || !scores.is_static()) return {};
  if (boxes.shape.rank() == 3 && scores.shape.rank() == 3 && boxes.shape[2] == 4 &&
      boxes.shape[0] == scores.shape[0] && boxes.shape[1] == scores.shape[2]) {
    return {};
  }
  return error(ErrorCode::SHAPE_MISMATCH, "boxes of shape %s for scores of shape %s",
               boxes.shape.to_string().c_str(), scores.shape.to_string().c_str());
}

}  // namespace

Status infer_non_max_suppression(InferContext& context) {
  SX_TRY(check_arity(context, 2, 5));
  SX_TRY(check_boxes(context));
  context.set_output(0, DType::kInt64, {kUnknownDim, 3});
  std::array<TensorView, 5> inputs{};
  for (size_t i = 0; i < context.inputs.size(); ++i) {
    if (!context.has_input(i)) continue;
    if (!contents_known(context.inputs[i]) || !context.inputs[i].is_static()) return {};
    inputs[i] = known_contents(context.inputs[i]);
  }
  SX_ASSIGN(const Suppression suppression,
            read_suppression(context.attributes, std::span(inputs).first(context.inputs.size())));
  ScratchLayout layout;
  SX_TRY(layout.add(suppression.count, sizeof(KeyedIndex)).take_status());
  SX_ASSIGN(const Block items, Block::allocate(layout.bytes()));
  int64_t selected = 0;
  suppression.run(items.as<KeyedIndex>(), [&](int64_t, int64_t, int64_t) { ++selected; });
  context.set_output(0, DType::kInt64, {selected, 3});
  return {};
}

Result<KernelPtr> make_non_max_suppression(const KernelInit& init) {
  return KernelPtr(std::make_unique<NonMaxSuppressionKernel>(init.attributes));
}

}  // namespace sardonyx::ops
