// Operators that move elements, for WebGPU: all are strided copies of whole words.
#include <algorithm>

#include "engine/gpu/emitter.h"
#include "engine/gpu/strided_dims.h"
#include "ops/strided.h"

namespace sardonyx::gpu {
namespace {

// Words per element; 0: elements that are no whole words.
int64_t words_of(DType dtype) {
  const int bits = dtype_bits(dtype);
  return bits % 32 == 0 ? bits / 32 : 0;
}

// A box of elements of `words` words from one array to another.
class Copy {
 public:
  explicit Copy(int64_t words) : words_(words) {}
  void add(int64_t size, int64_t from, int64_t to) {
    dims_.add(size, {from * words_, to * words_});
    count_ *= size;
  }
  // `from_start` and `to_start` in elements.
  bool emit(Emitter& e, size_t input, int64_t from_start, size_t output, int64_t to_start) {
    if (words_ == 2) dims_.add(2, {1, 1});
    if (words_ == 0 || words_ > 2 || dims_.rank() > kMaxStridedDims) return false;
    if (count_ == 0) return true;
    GpuStep& step = e.add(GpuKernel::kCopy, count_ * words_, static_cast<uint32_t>(dims_.rank()),
                          output, to_start * words_);
    e.operand(step, 0, input, from_start * words_);
    dims_.write(step);
    return true;
  }

 private:
  int64_t words_, count_ = 1;
  StridedDims<2> dims_;
};

}  // namespace

bool lower_transpose(Emitter& e) {
  const Shape& x = e.input(0).shape;
  const Shape& y = e.output(0).shape;
  const auto perm = e.attributes().get_ints("perm");
  const bool reversed = !e.attributes().has("perm");
  const auto from = ops::dense_strides(x), to = ops::dense_strides(y);
  Copy copy(words_of(e.input(0).dtype));
  for (int axis = 0; axis < y.rank(); ++axis) {
    const auto i = static_cast<size_t>(axis);
    const auto source =
        reversed ? y.rank() - 1 - axis : normalize_axis(perm[i], x.rank()).value_or(0);
    copy.add(y[axis], from[static_cast<size_t>(source)], to[i]);
  }
  return copy.emit(e, 0, 0, 0, 0);
}

bool lower_slice(Emitter& e) {
  const Shape& x = e.input(0).shape;
  const Shape& y = e.output(0).shape;
  std::array<std::vector<int64_t>, 4> lists;  // starts, ends, axes, steps
  constexpr const char* kNames[] = {"starts", "ends", "axes", "steps"};
  for (size_t i = 0; i < 4; ++i) {
    if (e.inputs() == 1) {
      const auto given = e.attributes().get_ints(kNames[i]);
      lists[i].assign(given.begin(), given.end());
    } else if (e.has_input(i + 1)) {
      auto list = e.known_ints(i + 1);
      if (!list) return false;
      lists[i] = std::move(*list);
    }
  }
  std::array<int64_t, kMaxRank> starts{}, steps;
  steps.fill(1);
  for (size_t i = 0; i < lists[0].size(); ++i) {
    const int64_t named = lists[2].empty() ? static_cast<int64_t>(i) : lists[2][i];
    const auto axis = normalize_axis(named, x.rank());
    if (!axis) return false;
    const auto at = static_cast<size_t>(*axis);
    const int64_t dim = x[*axis], step = lists[3].empty() ? 1 : lists[3][i];
    const int64_t start = lists[0][i] < 0 ? lists[0][i] + dim : lists[0][i];
    starts[at] =
        step > 0 ? std::clamp<int64_t>(start, 0, dim) : std::clamp<int64_t>(start, -1, dim - 1);
    steps[at] = step;
  }
  const auto from = ops::dense_strides(x), to = ops::dense_strides(y);
  Copy copy(words_of(e.input(0).dtype));
  int64_t first = 0;
  for (int axis = 0; axis < x.rank(); ++axis) {
    const auto i = static_cast<size_t>(axis);
    if (y[axis] == 0) return false;
    first += starts[i] * from[i];
    copy.add(y[axis], y[axis] == 1 ? 0 : steps[i] * from[i], to[i]);
  }
  return copy.emit(e, 0, first, 0, 0);
}

bool lower_concat(Emitter& e) {
  const Shape& y = e.output(0).shape;
  const auto axis = normalize_axis(e.attributes().get_int("axis", 1), y.rank());
  if (!axis) return false;
  const int64_t outer = y.product(0, *axis), inner = y.product(*axis + 1, y.rank());
  int64_t offset = 0;
  for (size_t i = 0; i < e.inputs(); ++i) {
    const int64_t length = e.input(i).shape[*axis] * inner;
    Copy copy(words_of(y.rank() > 0 ? e.output(0).dtype : DType::kUndefined));
    copy.add(outer, length, y[*axis] * inner);
    copy.add(length, 1, 1);
    if (!copy.emit(e, i, 0, 0, offset)) return false;
    offset += length;
  }
  return true;
}

bool lower_split(Emitter& e) {
  const Shape& x = e.input(0).shape;
  const auto axis = normalize_axis(e.attributes().get_int("axis", 0), x.rank());
  if (!axis) return false;
  const int64_t outer = x.product(0, *axis), inner = x.product(*axis + 1, x.rank());
  int64_t offset = 0;
  for (size_t i = 0; i < e.outputs(); ++i) {
    if (!e.has_output(i)) return false;  // its size is not at hand
    const int64_t length = e.output(i).shape[*axis] * inner;
    Copy copy(words_of(e.input(0).dtype));
    copy.add(outer, x[*axis] * inner, length);
    copy.add(length, 1, 1);
    if (!copy.emit(e, 0, offset, i, 0)) return false;
    offset += length;
  }
  return true;
}

bool lower_expand(Emitter& e) {
  const Shape& x = e.input(0).shape;
  const Shape& y = e.output(0).shape;
  const auto from = ops::dense_strides(x), to = ops::dense_strides(y);
  Copy copy(words_of(e.input(0).dtype));
  for (int axis = 0; axis < y.rank(); ++axis) {
    const int at = axis - (y.rank() - x.rank());
    const int64_t stride = at < 0 || x[at] == 1 ? 0 : from[static_cast<size_t>(at)];
    copy.add(y[axis], stride, to[static_cast<size_t>(axis)]);
  }
  return copy.emit(e, 0, 0, 0, 0);
}

bool lower_tile(Emitter& e) {
  const Shape& x = e.input(0).shape;
  const auto repeats = e.known_ints(1);
  if (!repeats || repeats->size() != static_cast<size_t>(x.rank())) return false;
  const auto from = ops::dense_strides(x), to = ops::dense_strides(e.output(0).shape);
  Copy copy(words_of(e.input(0).dtype));
  for (int axis = 0; axis < x.rank(); ++axis) {
    const auto i = static_cast<size_t>(axis);
    copy.add((*repeats)[i], 0, x[axis] * to[i]);
    copy.add(x[axis], from[i], to[i]);
  }
  return copy.emit(e, 0, 0, 0, 0);
}

}  // namespace sardonyx::gpu
