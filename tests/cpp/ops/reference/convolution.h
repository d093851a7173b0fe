// Naive convolution and pooling in double precision, over any number of axes.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test::reference {

using Ints = std::vector<int64_t>;

// A window with resolved padding; lists are per spatial axis.
struct Window {
  Ints kernel, stride, dilation, pad_begin, pad_end;
  bool ceil_mode = false;

  explicit Window(Ints k)
      : kernel(k),
        stride(k.size(), 1),
        dilation(k.size(), 1),
        pad_begin(k.size(), 0),
        pad_end(k.size(), 0) {}
  size_t axes() const { return kernel.size(); }
  Ints pads() const {
    Ints out = pad_begin;
    out.insert(out.end(), pad_end.begin(), pad_end.end());
    return out;
  }
  Shape out_shape(const Shape& x, int64_t channels) const {
    Shape out{x[0], channels};
    for (size_t i = 0; i < axes(); ++i) {
      const int64_t in = x[static_cast<int>(i) + 2];
      const int64_t room = in + pad_begin[i] + pad_end[i] - ((kernel[i] - 1) * dilation[i] + 1);
      int64_t dim = room / stride[i] + 1;
      if (ceil_mode) {
        dim = static_cast<int64_t>(
                  std::ceil(static_cast<double>(room) / static_cast<double>(stride[i]))) +
              1;
        if ((dim - 1) * stride[i] >= in + pad_begin[i]) --dim;
      }
      out.push_back(dim);
    }
    return out;
  }
};

// Calls fn for every index of a box.
inline void for_each_index(const Ints& extents, const std::function<void(const Ints&)>& fn) {
  Ints index(extents.size(), 0);
  for (int64_t extent : extents) {
    if (extent == 0) return;
  }
  while (true) {
    fn(index);
    size_t axis = extents.size();
    while (axis > 0 && ++index[axis - 1] == extents[axis - 1]) index[--axis] = 0;
    if (axis == 0) return;
  }
}

// Calls fn(tap index, flat input offset in the plane, inside the padded input) for each tap of the
// window at an output position; the offset is -1 outside the input.
inline void for_each_tap(const Window& window, const Shape& x, const Ints& at,
                         const std::function<void(int64_t, int64_t, bool)>& fn) {
  int64_t tap = 0;
  for_each_index(window.kernel, [&](const Ints& k) {
    int64_t offset = 0;
    bool inside = true, padded = true;
    for (size_t i = 0; i < window.axes(); ++i) {
      const int64_t in = x[static_cast<int>(i) + 2];
      const int64_t p = at[i] * window.stride[i] - window.pad_begin[i] + k[i] * window.dilation[i];
      inside = inside && p >= 0 && p < in;
      padded = padded && p < in + window.pad_end[i];
      offset = offset * in + p;
    }
    fn(tap++, inside ? offset : -1, padded);
  });
}

inline Ints spatial(const Shape& shape) {
  return {shape.begin() + 2, shape.end()};
}

// w [M, C / groups, ...]; bias may be null.
inline TestTensor conv(const TestTensor& x, const TestTensor& w, const TestTensor* bias,
                       int64_t groups, const Window& window) {
  const int64_t filters = w.shape[0], group_in = w.shape[1];
  TestTensor y = make_tensor(DType::kFloat32, window.out_shape(x.shape, filters));
  const int64_t in_plane = x.shape.product(2, x.shape.rank());
  const int64_t taps = w.shape.product(2, w.shape.rank());
  int64_t at = 0;
  for (int64_t n = 0; n < y.shape[0]; ++n) {
    for (int64_t m = 0; m < filters; ++m) {
      for_each_index(spatial(y.shape), [&](const Ints& index) {
        double sum = bias ? element(*bias, m) : 0.0;
        for_each_tap(window, x.shape, index, [&](int64_t tap, int64_t offset, bool) {
          if (offset < 0) return;
          for (int64_t c = 0; c < group_in; ++c) {
            const int64_t channel = m / (filters / groups) * group_in + c;
            sum += element(x, (n * x.shape[1] + channel) * in_plane + offset) *
                   element(w, (m * group_in + c) * taps + tap);
          }
        });
        set_element(y, at++, sum);
      });
    }
  }
  return y;
}

enum class PoolKind { kMax, kAverage };

// `indices`, if given, receives the row-major index of each maximum in x.
inline TestTensor pool(PoolKind kind, const TestTensor& x, const Window& window,
                       bool count_include_pad, TestTensor* indices = nullptr) {
  TestTensor y = make_tensor(DType::kFloat32, window.out_shape(x.shape, x.shape[1]));
  if (indices) *indices = make_tensor(DType::kInt64, y.shape);
  const int64_t in_plane = x.shape.product(2, x.shape.rank());
  int64_t at = 0;
  for (int64_t plane = 0; plane < x.shape[0] * x.shape[1]; ++plane) {
    for_each_index(spatial(y.shape), [&](const Ints& index) {
      double sum = 0, best = -HUGE_VAL;
      int64_t count = 0, where = -1;
      for_each_tap(window, x.shape, index, [&](int64_t, int64_t offset, bool padded) {
        if (offset < 0) {
          if (count_include_pad && padded) ++count;
          return;
        }
        const double value = element(x, plane * in_plane + offset);
        ++count;
        sum += value;
        if (where < 0 || value > best || (std::isnan(value) && !std::isnan(best))) {
          best = value;
          where = plane * in_plane + offset;
        }
      });
      set_element(y, at, kind == PoolKind::kMax ? best : sum / static_cast<double>(count));
      if (indices) indices->as<int64_t>()[at] = where;
      ++at;
    });
  }
  return y;
}

}  // namespace sardonyx::test::reference
