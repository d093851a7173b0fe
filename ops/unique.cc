// Unique: the distinct elements, or the distinct slices along an axis.
#include <algorithm>

#include "ops/axis_split.h"
#include "ops/convert.h"
#include "ops/indices.h"
#include "ops/operator.h"
#include "ops/scratch.h"
#include "ops/shape_rule.h"
#include "ops/sort_key.h"

namespace sardonyx::ops {
namespace {

// Without an axis the slices are single elements.
Result<AxisSplit> unique_split(const Attributes& attributes, const Shape& shape) {
  if (!attributes.has("axis")) return AxisSplit{1, shape.product(0, shape.rank()), 1};
  SX_ASSIGN(const int axis, check_axis(attributes.get_int("axis", 0), shape.rank()));
  return split_at(shape, axis);
}

// Slices [outer][i][inner] for i in [0, dim), grouped by equality.
class Grouping {
 public:
  // `items` has room for 2 * dim.
  Grouping(const TensorView& x, const AxisSplit& split, KeyedIndex* items)
      : x_(x), split_(split), items_(items), firsts_(items + split.dim) {}

  // The number of groups.
  int64_t group(bool sorted) {
    sort_slices();
    mark_groups();
    // From the order of the slices to that of the groups.
    if (!sorted) {
      for (int64_t g = 0; g < groups_; ++g) firsts_[g].key = static_cast<uint64_t>(first(g));
      sort_keyed(firsts_, groups_);
    }
    return groups_;
  }

  // First slice of a group, in any order of the groups.
  int64_t first(int64_t g) const { return items_[firsts_[g].index].index; }
  // Calls use(slice) for the members of a group.
  template <typename Use>
  void for_members(int64_t g, Use&& use) const {
    const int64_t begin = firsts_[g].index;
    for (int64_t i = begin; i < split_.dim && (i == begin || !items_[i].key); ++i) {
      use(items_[i].index);
    }
  }

 private:
  // By the last column first, each sort keeping the order of equal keys. Leaves the slices in
  // items_[i].index.
  void sort_slices() {
    const int64_t columns = split_.outer * split_.inner;
    for (int64_t i = 0; i < split_.dim; ++i) firsts_[i].index = i;
    for (int64_t column = columns - 1; column >= 0; --column) {
      for (int64_t i = 0; i < split_.dim; ++i) items_[i] = {key(firsts_[i].index, column), i};
      sort_keyed(items_, split_.dim);
      for (int64_t i = 0; i < split_.dim; ++i) items_[i].key = as_key(firsts_[items_[i].index]);
      for (int64_t i = 0; i < split_.dim; ++i) firsts_[i].index = as_index(items_[i].key);
    }
    for (int64_t i = 0; i < split_.dim; ++i) items_[i].index = firsts_[i].index;
  }
  static uint64_t as_key(const KeyedIndex& item) { return static_cast<uint64_t>(item.index); }
  static int64_t as_index(uint64_t key) { return static_cast<int64_t>(key); }

  // items_[i].key becomes 1 where a group begins, firsts_[g].index the place of that.
  void mark_groups() {
    groups_ = 0;
    for (int64_t i = 0; i < split_.dim; ++i) {
      items_[i].key = i == 0 || !equal(items_[i - 1].index, items_[i].index);
      if (items_[i].key) firsts_[groups_++].index = i;
    }
  }

  bool equal(int64_t a, int64_t b) const {
    for (int64_t column = 0; column < split_.outer * split_.inner; ++column) {
      if (key(a, column) != key(b, column)) return false;
    }
    return true;
  }

  uint64_t key(int64_t slice, int64_t column) const {
    const int64_t at =
        (column / split_.inner * split_.dim + slice) * split_.inner + column % split_.inner;
    uint64_t out;
    sort_keys(x_.dtype, x_.as<const uint8_t>() + at * (dtype_bits(x_.dtype) / 8), 1, &out);
    return out;
  }

  const TensorView& x_;
  AxisSplit split_;
  KeyedIndex* items_;
  KeyedIndex* firsts_;
  int64_t groups_ = 0;
};

void write_slices(const TensorView& x, const TensorView& y, const AxisSplit& split,
                  const Grouping& grouping, int64_t groups) {
  const size_t slice =
      static_cast<size_t>(split.inner) * (static_cast<size_t>(dtype_bits(x.dtype)) / 8);
  for (int64_t outer = 0; outer < split.outer; ++outer) {
    for (int64_t g = 0; g < groups; ++g) {
      copy_bytes(y.as<uint8_t>() + static_cast<size_t>(outer * groups + g) * slice,
                 x.as<const uint8_t>() +
                     static_cast<size_t>(outer * split.dim + grouping.first(g)) * slice,
                 slice);
    }
  }
}

bool is_sorted(const Attributes& attributes) {
  return attributes.get_int("sorted", 1) != 0;
}

class UniqueKernel final : public Kernel {
 public:
  explicit UniqueKernel(const Attributes& attributes) : attributes_(attributes) {}

  Status bind(BindContext& context) const override {
    SX_ASSIGN(const AxisSplit split, unique_split(attributes_, context.inputs[0].shape));
    ScratchLayout layout;
    SX_TRY(layout.add(split.dim, 2 * sizeof(KeyedIndex)).take_status());
    context.scratch_bytes = layout.bytes();
    return {};
  }

  Status run(const RunContext& context) const override {
    const TensorView& x = context.inputs[0];
    SX_ASSIGN(const AxisSplit split, unique_split(attributes_, x.shape));
    auto* items = static_cast<KeyedIndex*>(static_cast<void*>(context.scratch));
    Grouping grouping(x, split, items);
    const int64_t groups = grouping.group(is_sorted(attributes_));
    SX_TRY(check_room(context, split, groups));
    if (context.has_output(0)) write_slices(x, context.outputs[0], split, grouping, groups);
    int64_t* lists[4] = {};
    for (size_t i = 1; i < 4; ++i) {
      if (context.has_output(i)) lists[i] = context.outputs[i].as<int64_t>();
    }
    for (int64_t g = 0; g < groups; ++g) {
      int64_t members = 0;
      grouping.for_members(g, [&](int64_t slice) {
        ++members;
        if (lists[2]) lists[2][slice] = g;
      });
      if (lists[1]) lists[1][g] = grouping.first(g);
      if (lists[3]) lists[3][g] = members;
    }
    return {};
  }
  std::string_view name() const override { return "unique"; }

 private:
  static Status check_room(const RunContext& context, const AxisSplit& split, int64_t groups) {
    const int64_t wanted[] = {split.outer * split.inner * groups, groups, split.dim, groups};
    for (size_t i = 0; i < context.outputs.size(); ++i) {
      if (!context.has_output(i) || context.outputs[i].elements() == wanted[i]) continue;
      return error(ErrorCode::INTERNAL, "the elements have changed since they were counted");
    }
    return {};
  }

  const Attributes& attributes_;
};

}  // namespace

Status infer_unique(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1, 4));
  const ValueFacts& x = context.inputs[0];
  if (compute_dtype(x.dtype) == DType::kUndefined) return unsupported_dtype(x.dtype);
  int64_t groups = kUnknownDim;
  int64_t slices = kUnknownDim;
  Shape out{kUnknownDim};
  if (x.has_shape && context.attributes.has("axis")) {
    SX_ASSIGN(const int axis, check_axis(context.attributes.get_int("axis", 0), x.shape.rank()));
    slices = x.shape[axis];
    out = x.shape;
    out[axis] = kUnknownDim;
  } else if (x.is_static()) {
    slices = x.shape.product(0, x.shape.rank());
  }
  if (x.is_static() && contents_known(x)) {
    const TensorView view = known_contents(x);
    SX_ASSIGN(const AxisSplit split, unique_split(context.attributes, view.shape));
    ScratchLayout layout;
    SX_TRY(layout.add(split.dim, 2 * sizeof(KeyedIndex)).take_status());
    SX_ASSIGN(const Block items, Block::allocate(layout.bytes()));
    groups = Grouping(view, split, items.as<KeyedIndex>()).group(is_sorted(context.attributes));
    for (int i = 0; i < out.rank(); ++i) {
      if (out[i] == kUnknownDim) out[i] = groups;
    }
  }
  if (context.attributes.has("axis") && !x.has_shape) {
    context.set_output_unknown(0, x.dtype);
  } else {
    context.set_output(0, x.dtype, out);
  }
  const int64_t lengths[] = {0, groups, slices, groups};
  for (size_t i = 1; i < context.outputs.size(); ++i) {
    context.set_output(i, DType::kInt64, {lengths[i]});
  }
  return {};
}

Result<KernelPtr> make_unique(const KernelInit& init) {
  return KernelPtr(std::make_unique<UniqueKernel>(init.attributes));
}

}  // namespace sardonyx::ops
