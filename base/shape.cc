#include "base/shape.h"

#include "base/checked.h"

namespace sardonyx {

Shape::Shape(std::span<const int64_t> dims) {
  for (int64_t dim : dims) push_back(dim);
}

bool Shape::push_back(int64_t dim) {
  if (rank_ == kMaxRank) return false;
  dims_[rank_++] = dim;
  return true;
}

void Shape::resize(int rank, int64_t fill) {
  for (int axis = rank_; axis < rank; ++axis) dims_[static_cast<size_t>(axis)] = fill;
  rank_ = static_cast<uint8_t>(rank);
}

bool Shape::is_known() const {
  return std::all_of(begin(), end(), [](int64_t dim) { return dim >= 0; });
}

std::optional<int64_t> Shape::elements() const {
  int64_t total = 1;
  for (int64_t dim : *this) {
    if (dim < 0) return std::nullopt;
    const auto next = checked_mul(total, dim);
    if (!next) return std::nullopt;
    total = *next;
  }
  return total;
}

int64_t Shape::product(int from, int to) const {
  int64_t total = 1;
  for (int axis = from; axis < to; ++axis) total *= (*this)[axis];
  return total;
}

std::string Shape::to_string() const {
  std::string text = "[";
  for (int axis = 0; axis < rank_; ++axis) {
    if (axis) text += ',';
    text += (*this)[axis] < 0 ? std::string("?") : std::to_string((*this)[axis]);
  }
  return text + "]";
}

std::optional<int> normalize_axis(int64_t axis, int rank) {
  if (axis < -rank || axis >= rank) return std::nullopt;
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

std::optional<Shape> broadcast(const Shape& a, const Shape& b) {
  const int rank = std::max(a.rank(), b.rank());
  Shape out;
  out.resize(rank);
  for (int axis = 0; axis < rank; ++axis) {
    const int ai = axis - (rank - a.rank());
    const int bi = axis - (rank - b.rank());
    const int64_t x = ai < 0 ? 1 : a[ai];
    const int64_t y = bi < 0 ? 1 : b[bi];
    if (x == y || y == 1) {
      out[axis] = x;
    } else if (x == 1) {
      out[axis] = y;
    } else if (x == kUnknownDim || y == kUnknownDim) {
      out[axis] = std::max(x, y);
    } else {
      return std::nullopt;
    }
  }
  return out;
}

}  // namespace sardonyx
