// Walking operands that broadcast to one output, row by row.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/shape.h"
#include "ops/operator.h"

namespace sardonyx::ops {

inline constexpr int kMaxOperands = 3;

// The output as a dense array of `rank` dims, adjacent dims merged where every operand allows it,
// and each operand's steps through it in elements, 0 where it repeats.
struct BroadcastPlan {
  int operands = 0;
  int rank = 1;
  int64_t elements = 0;
  std::array<int64_t, kMaxRank> dims{};
  std::array<std::array<int64_t, kMaxRank>, kMaxOperands> steps{};
};

// The shapes must broadcast to `out`; at most kMaxOperands.
BroadcastPlan plan_broadcast(std::span<const Shape* const> shapes, const Shape& out);

// For an output in NC4HW4 (LayoutPolicy::kAny), of rank below kMaxRank, its storage: each operand
// is in NC4HW4 with the output's rank and channels, has one element, or is row-major, of rank 4
// with the channels. Otherwise as above.
BroadcastPlan plan_elementwise(std::span<const TensorView> operands, const TensorView& output);

// Whether an operand is walked from its first element to its last, like the output.
bool is_dense(const BroadcastPlan& plan, int operand);

// The pieces of rows that make up elements [begin, end) of the output, one after the other:
//   for (RowCursor row(plan, begin, end); row.next();) use(row.out, row.count, row.operand(0)…)
// Within a piece the operands advance by step(i), 0 or 1.
class RowCursor {
 public:
  RowCursor(const BroadcastPlan& plan, int64_t begin, int64_t end);
  bool next();

  int64_t out = 0;    // first element of the piece in the output
  int64_t count = 0;  // elements of the piece
  int64_t operand(int i) const { return offsets_[static_cast<size_t>(i)]; }
  int64_t step(int i) const {
    return plan_.steps[static_cast<size_t>(i)][static_cast<size_t>(plan_.rank - 1)];
  }

 private:
  void locate();
  void retreat(size_t axis, int64_t by);

  const BroadcastPlan& plan_;
  int64_t end_;
  std::array<int64_t, kMaxRank> index_{};
  std::array<int64_t, kMaxOperands> offsets_{};
};

}  // namespace sardonyx::ops
