// Dimensions of a tensor, outermost first, stored in place.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>

namespace sardonyx {

inline constexpr int kMaxRank = 8;
inline constexpr int64_t kUnknownDim = -1;

// A rank of 0 is a scalar. A dim may be kUnknownDim until the shape is bound.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) : Shape(std::span(dims.begin(), dims.size())) {}
  // Dims beyond kMaxRank are dropped: check the rank of untrusted dims first.
  explicit Shape(std::span<const int64_t> dims);

  int rank() const { return rank_; }
  int64_t operator[](int axis) const { return dims_[static_cast<size_t>(axis)]; }
  int64_t& operator[](int axis) { return dims_[static_cast<size_t>(axis)]; }
  std::span<const int64_t> dims() const { return {dims_.data(), rank_}; }
  const int64_t* begin() const { return dims_.data(); }
  const int64_t* end() const { return dims_.data() + rank_; }
  // False, and unchanged, when the rank would exceed kMaxRank.
  bool push_back(int64_t dim);
  void resize(int rank, int64_t fill = 1);

  // True when no dim is unknown.
  bool is_known() const;
  // Product of all dims; nullopt when a dim is unknown or negative or the product overflows.
  std::optional<int64_t> elements() const;
  // Product of dims [from, to). For shapes that have passed elements().
  int64_t product(int from, int to) const;
  // "[1,3,?,224]"
  std::string to_string() const;

  friend bool operator==(const Shape& a, const Shape& b) {
    return a.rank_ == b.rank_ && std::equal(a.begin(), a.end(), b.begin());
  }

 private:
  std::array<int64_t, kMaxRank> dims_{};
  uint8_t rank_ = 0;
};

// Axis in [0, rank) from an ONNX axis in [-rank, rank); nullopt when out of range.
std::optional<int> normalize_axis(int64_t axis, int rank);

// The NumPy broadcast of two shapes; unknown dims stay unknown unless the other side is above 1.
// nullopt when two known dims differ and neither is 1.
std::optional<Shape> broadcast(const Shape& a, const Shape& b);

}  // namespace sardonyx
