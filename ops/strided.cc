#include "ops/strided.h"

#include <algorithm>
#include <cstring>

#include "simd/parallel.h"
#include "simd/transpose.h"

namespace sardonyx::ops {
namespace {

constexpr int64_t kTile = 16;  // elements per side of what is transposed at once
constexpr double kNsPerByte = 0.25;

// Any 1 to 16 bytes, unaligned.
template <size_t kBytes>
void copy_element(uint8_t* to, const uint8_t* from) {
  __builtin_memcpy(to, from, kBytes);
}

// A line of n elements, strides in bytes.
using CopyLine = void (*)(uint8_t* to, int64_t to_stride, const uint8_t* from, int64_t from_stride,
                          int64_t n);
template <size_t kBytes>
void copy_line(uint8_t* to, int64_t to_stride, const uint8_t* from, int64_t from_stride,
               int64_t n) {
  for (int64_t i = 0; i < n; ++i) copy_element<kBytes>(to + i * to_stride, from + i * from_stride);
}

CopyLine copy_line_for(size_t bytes) {
  switch (bytes) {
    case 1:
      return copy_line<1>;
    case 2:
      return copy_line<2>;
    case 4:
      return copy_line<4>;
    case 8:
      return copy_line<8>;
    default:
      return copy_line<16>;
  }
}

}  // namespace

// The loop over a merged and reordered StridedCopy; strides in bytes from here on.
class StridedLoop {
 public:
  StridedLoop(const StridedCopy& copy, size_t element_bytes)
      : dims_(copy.dims_), rank_(copy.rank_), width_(static_cast<int64_t>(element_bytes)) {
    widen();
    for (int i = 0; i < rank_; ++i) {
      dim(i).from *= width_;
      dim(i).to *= width_;
    }
    if (rank_ == 0) dims_[static_cast<size_t>(rank_++)] = {1, width_, width_};
    tiled_ = bring_source_line_inside();
    // Wide elements that were made of narrower ones may be unaligned.
    vectors_ = tiled_ && element_bytes == sizeof(float) && width_ == sizeof(float) &&
               dim(rank_ - 1).to == width_;
    line_ = copy_line_for(static_cast<size_t>(width_));
  }

  Status run(const uint8_t* from, uint8_t* to) const {
    const Dim& inner = dims_[static_cast<size_t>(rank_ - 1)];
    if (rank_ == 1 && dense(inner)) return run_dense(from, to, inner.size * width_);
    const int outer_rank = rank_ - (tiled_ ? 2 : 1);
    const int64_t tiles =
        tiled_ ? (dims_[static_cast<size_t>(rank_ - 2)].size + kTile - 1) / kTile : 1;
    int64_t units = tiles;
    for (int i = 0; i < outer_rank; ++i) units *= dims_[static_cast<size_t>(i)].size;
    const double bytes = static_cast<double>(inner.size * width_ * (tiled_ ? kTile : 1));
    return simd::parallel_for(units, simd::grain_for(bytes * kNsPerByte + 4),
                              [&](int64_t begin, int64_t end) {
                                for (int64_t unit = begin; unit < end; ++unit) {
                                  run_unit(unit / tiles, unit % tiles, outer_rank, from, to);
                                }
                              });
  }

 private:
  using Dim = StridedCopy::Dim;
  Dim& dim(int i) { return dims_[static_cast<size_t>(i)]; }
  bool dense(const Dim& d) const { return d.from == width_ && d.to == width_; }

  // A short dense innermost dim becomes one wide element.
  void widen() {
    while (rank_ > 1) {
      const Dim inner = dim(rank_ - 1);
      const int64_t bytes = inner.size * width_;
      if (inner.from != 1 || inner.to != 1 || bytes > 16 || (bytes & (bytes - 1))) return;
      for (int i = 0; i < rank_ - 1; ++i) {
        if (dim(i).from % inner.size || dim(i).to % inner.size) return;
      }
      for (int i = 0; i < rank_ - 1; ++i) {
        dim(i).from /= inner.size;
        dim(i).to /= inner.size;
      }
      width_ = bytes;
      --rank_;
    }
  }

  // Where the innermost dim skips through the source and another one does not, that one moves next
  // to it: the two are copied in tiles, so that each cache line is read once.
  bool bring_source_line_inside() {
    if (dim(rank_ - 1).from == width_ || dim(rank_ - 1).from == 0) return false;
    for (int i = rank_ - 2; i >= 0; --i) {
      if (dim(i).from != width_) continue;
      std::rotate(dims_.begin() + i, dims_.begin() + i + 1, dims_.begin() + rank_ - 1);
      return true;
    }
    return false;
  }

  static Status run_dense(const uint8_t* from, uint8_t* to, int64_t bytes) {
    return simd::parallel_for(
        bytes, simd::grain_for(kNsPerByte / 2), [&](int64_t begin, int64_t end) {
          std::memcpy(to + begin, from + begin, static_cast<size_t>(end - begin));
        });
  }

  void run_unit(int64_t outer, int64_t tile, int outer_rank, const uint8_t* from,
                uint8_t* to) const {
    for (int i = outer_rank; i-- > 0;) {
      const Dim& d = dims_[static_cast<size_t>(i)];
      const int64_t index = outer % d.size;
      outer /= d.size;
      from += index * d.from;
      to += index * d.to;
    }
    const Dim& inner = dims_[static_cast<size_t>(rank_ - 1)];
    if (!tiled_) {
      if (dense(inner)) {
        std::memcpy(to, from, static_cast<size_t>(inner.size * width_));
      } else {
        line_(to, inner.to, from, inner.from, inner.size);
      }
      return;
    }
    const Dim& across = dims_[static_cast<size_t>(rank_ - 2)];
    const int64_t first = tile * kTile;
    const int64_t last = std::min(first + kTile, across.size);
    for (int64_t j = 0; j < inner.size; j += kTile) {
      const int64_t n = std::min(kTile, inner.size - j);
      if (vectors_) {
        const void* source = from + first * width_ + j * inner.from;
        void* target = to + first * across.to + j * width_;
        simd::transpose_tile(static_cast<const float*>(source), inner.from / width_, n,
                             last - first, static_cast<float*>(target), across.to / width_);
        continue;
      }
      for (int64_t i = first; i < last; ++i) {
        line_(to + i * across.to + j * inner.to, inner.to, from + i * across.from + j * inner.from,
              inner.from, n);
      }
    }
  }

  std::array<Dim, StridedCopy::kMaxDims> dims_;
  int rank_;
  int64_t width_;
  bool tiled_ = false;
  bool vectors_ = false;  // the tiles are transposed by simd::transpose_tile
  CopyLine line_ = nullptr;
};

void StridedCopy::add(int64_t dim, int64_t from_stride, int64_t to_stride) {
  if (dim == 0) empty_ = true;
  if (dim == 1) return;
  if (rank_ > 0) {
    Dim& outer = dims_[static_cast<size_t>(rank_ - 1)];
    if (outer.from == from_stride * dim && outer.to == to_stride * dim) {
      outer = {outer.size * dim, from_stride, to_stride};
      return;
    }
  }
  if (rank_ < kMaxDims) dims_[static_cast<size_t>(rank_++)] = {dim, from_stride, to_stride};
}

Status StridedCopy::run(size_t element_bytes, const void* from, void* to) const {
  if (empty_) return {};
  return StridedLoop(*this, element_bytes)
      .run(static_cast<const uint8_t*>(from), static_cast<uint8_t*>(to));
}

std::array<int64_t, kMaxRank> dense_strides(const Shape& shape) {
  std::array<int64_t, kMaxRank> out{};
  int64_t stride = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    out[static_cast<size_t>(axis)] = stride;
    stride *= shape[axis];
  }
  return out;
}

}  // namespace sardonyx::ops
