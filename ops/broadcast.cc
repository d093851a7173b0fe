#include "ops/broadcast.h"

#include <algorithm>

namespace sardonyx::ops {
namespace {

// Can dim `outer` be walked as a continuation of dim `inner`?
bool continues(const BroadcastPlan& plan, size_t outer, size_t inner) {
  for (int i = 0; i < plan.operands; ++i) {
    const auto& steps = plan.steps[static_cast<size_t>(i)];
    if (steps[outer] != steps[inner] * plan.dims[inner]) return false;
  }
  return true;
}

void set_dim(BroadcastPlan& plan, size_t to, const BroadcastPlan& from, size_t axis) {
  plan.dims[to] = from.dims[axis];
  for (size_t i = 0; i < static_cast<size_t>(plan.operands); ++i) {
    plan.steps[i][to] = from.steps[i][axis];
  }
}

// Drops dims of 1 and merges what continues; keeps at least one dim.
BroadcastPlan collapse(const BroadcastPlan& full) {
  BroadcastPlan plan;
  plan.operands = full.operands;
  plan.elements = full.elements;
  plan.rank = 0;
  for (size_t axis = 0; axis < static_cast<size_t>(full.rank); ++axis) {
    if (full.dims[axis] == 1) continue;
    const auto top = static_cast<size_t>(plan.rank);
    set_dim(plan, top, full, axis);
    if (top > 0 && continues(plan, top - 1, top)) {
      const int64_t merged = plan.dims[top - 1] * plan.dims[top];
      set_dim(plan, top - 1, plan, top);
      plan.dims[top - 1] = merged;
    } else {
      ++plan.rank;
    }
  }
  if (plan.rank == 0) {
    plan.rank = 1;
    plan.dims[0] = 1;
    for (auto& steps : plan.steps) steps[0] = 1;
  }
  return plan;
}

// Steps of an operand through dims [N, channel blocks, …, 4].
void set_block_steps(const TensorView& operand, std::array<int64_t, kMaxRank>& steps) {
  if (operand.shape.elements() == 1) return;
  const auto lane = static_cast<size_t>(operand.shape.rank());
  if (operand.layout == Layout::kRowMajor) {
    steps[1] = 4;
    steps[4] = 1;
    return;
  }
  int64_t step = 4;
  steps[lane] = 1;
  for (size_t axis = lane; axis-- > 0;) {
    const int64_t dim = operand.shape[static_cast<int>(axis)];
    steps[axis] = dim == 1 ? 0 : step;
    step *= axis == 1 ? (dim + 3) / 4 : dim;
  }
}

BroadcastPlan plan_channel_blocks(std::span<const TensorView> operands, const Shape& out) {
  BroadcastPlan full;
  full.operands = static_cast<int>(std::min<size_t>(operands.size(), kMaxOperands));
  full.rank = out.rank() + 1;
  full.elements = storage_elements(out, Layout::kNC4HW4).value_or(0);
  if (full.elements == 0) return full;
  std::copy(out.begin(), out.end(), full.dims.begin());
  full.dims[1] = (out[1] + 3) / 4;
  full.dims[static_cast<size_t>(out.rank())] = 4;
  for (size_t i = 0; i < static_cast<size_t>(full.operands); ++i) {
    set_block_steps(operands[i], full.steps[i]);
  }
  return collapse(full);
}

}  // namespace

BroadcastPlan plan_broadcast(std::span<const Shape* const> shapes, const Shape& out) {
  BroadcastPlan full;
  full.operands = static_cast<int>(std::min<size_t>(shapes.size(), kMaxOperands));
  full.rank = out.rank();
  full.elements = out.product(0, out.rank());
  if (full.elements == 0) return full;
  std::copy(out.begin(), out.end(), full.dims.begin());
  for (size_t i = 0; i < static_cast<size_t>(full.operands); ++i) {
    const Shape& shape = *shapes[i];
    int64_t step = 1;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      const auto at = static_cast<size_t>(axis + out.rank() - shape.rank());
      full.steps[i][at] = shape[axis] == 1 ? 0 : step;
      step *= shape[axis];
    }
  }
  return collapse(full);
}

BroadcastPlan plan_elementwise(std::span<const TensorView> operands, const TensorView& output) {
  if (output.layout == Layout::kNC4HW4) return plan_channel_blocks(operands, output.shape);
  std::array<const Shape*, kMaxOperands> shapes{};
  const size_t count = std::min<size_t>(operands.size(), kMaxOperands);
  for (size_t i = 0; i < count; ++i) shapes[i] = &operands[i].shape;
  return plan_broadcast(std::span(shapes).first(count), output.shape);
}

bool is_dense(const BroadcastPlan& plan, int operand) {
  int64_t step = 1;
  for (auto axis = static_cast<size_t>(plan.rank); axis-- > 0;) {
    if (plan.steps[static_cast<size_t>(operand)][axis] != step) return false;
    step *= plan.dims[axis];
  }
  return true;
}

RowCursor::RowCursor(const BroadcastPlan& plan, int64_t begin, int64_t end)
    : out(begin), plan_(plan), end_(end) {
  if (begin >= end) return;
  int64_t rest = begin;
  for (auto axis = static_cast<size_t>(plan.rank); axis-- > 0;) {
    index_[axis] = rest % plan.dims[axis];
    rest /= plan.dims[axis];
  }
  locate();
}

void RowCursor::locate() {
  for (size_t i = 0; i < static_cast<size_t>(plan_.operands); ++i) {
    int64_t offset = 0;
    for (size_t axis = 0; axis < static_cast<size_t>(plan_.rank); ++axis) {
      offset += index_[axis] * plan_.steps[i][axis];
    }
    offsets_[i] = offset;
  }
}

void RowCursor::retreat(size_t axis, int64_t by) {
  index_[axis] -= by;
  for (size_t i = 0; i < static_cast<size_t>(plan_.operands); ++i) {
    offsets_[i] -= by * plan_.steps[i][axis];
  }
}

bool RowCursor::next() {
  const auto last = static_cast<size_t>(plan_.rank - 1);
  if (count) {  // leave the piece: it ended at the end of its row
    out += count;
    if (out >= end_) return false;
    retreat(last, index_[last]);
    for (size_t axis = last; axis-- > 0;) {
      if (index_[axis] + 1 < plan_.dims[axis]) {
        retreat(axis, -1);
        break;
      }
      retreat(axis, index_[axis]);
    }
  }
  if (out >= end_) return false;
  count = std::min(plan_.dims[last] - index_[last], end_ - out);
  return true;
}

}  // namespace sardonyx::ops
