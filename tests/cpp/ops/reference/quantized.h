// Naive quantization in double precision. Tests take scales that are powers of two, so that ties
// are ties and every number is exact.
#pragma once

#include <algorithm>
#include <cmath>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test::reference {

// The index along `axis` of element i.
inline int64_t channel_of(const Shape& shape, int axis, int64_t i) {
  return i / shape.product(axis + 1, shape.rank()) % shape[axis];
}

// The index of the scale of element i, where one is for `block` indices of `axis`.
inline int64_t block_of(const Shape& shape, const Shape& blocks, int axis, int64_t block,
                        int64_t i) {
  int64_t at = 0;
  for (int k = 0; k < shape.rank(); ++k) {
    const int64_t index = channel_of(shape, k, i);
    at = at * blocks[k] + (k == axis ? index / block : index);
  }
  return at;
}

// Parameter of that channel; a single one serves all, an absent one is 0.
inline double parameter(const TestTensor& values, int64_t channel) {
  if (values.dtype == DType::kUndefined) return 0;
  return element(values, values.size() == 1 ? 0 : channel);
}

// saturate(round(x) + zero), ties to even.
inline double quantize(double x, double zero, DType dtype) {
  const bool is_signed = dtype == DType::kInt8 || dtype == DType::kInt16;
  const double codes = dtype == DType::kInt8 || dtype == DType::kUint8 ? 256 : 65536;
  const double low = is_signed ? -codes / 2 : 0;
  return std::clamp(std::nearbyint(x) + zero, low, low + codes - 1);
}

// q - zero as float32, one zero point or one per index of the axis.
inline TestTensor centered(const TestTensor& q, const TestTensor& zero, int axis) {
  TestTensor out = make_tensor(DType::kFloat32, q.shape);
  for (int64_t i = 0; i < q.size(); ++i) {
    const int64_t channel = zero.size() > 1 ? channel_of(q.shape, axis, i) : 0;
    set_element(out, i, element(q, i) - parameter(zero, channel));
  }
  return out;
}

// Sums, as float32 that are whole, with a channel on `axis`: to int32, or with factors, which are
// one or one per channel, to `zero`'s dtype.
inline TestTensor to_int32(const TestTensor& sums) {
  TestTensor out = make_tensor(DType::kInt32, sums.shape);
  for (int64_t i = 0; i < sums.size(); ++i) set_element(out, i, element(sums, i));
  return out;
}
inline TestTensor requantized(const TestTensor& sums, int axis, double x_scale,
                              const TestTensor& w_scale, double y_scale, const TestTensor& zero) {
  TestTensor out = make_tensor(zero.dtype, sums.shape);
  for (int64_t i = 0; i < sums.size(); ++i) {
    const double factor = parameter(w_scale, channel_of(sums.shape, axis, i)) * x_scale / y_scale;
    set_element(out, i, quantize(element(sums, i) * factor, element(zero, 0), zero.dtype));
  }
  return out;
}

// Powers of two from 1/16 to 1/2.
inline TestTensor random_scales(int64_t count, uint32_t seed) {
  const TestTensor exponents = random_tensor(DType::kInt32, {count}, seed, 1, 4);
  TestTensor out = make_tensor(DType::kFloat32, {count});
  for (int64_t i = 0; i < count; ++i) set_element(out, i, std::exp2(-element(exponents, i)));
  return out;
}

// All values of an 8-bit dtype, at random.
inline TestTensor random_codes(DType dtype, const Shape& shape, uint32_t seed) {
  const bool is_signed = dtype == DType::kInt8;
  return random_tensor(dtype, shape, seed, is_signed ? -128 : 0, is_signed ? 127 : 255);
}

}  // namespace sardonyx::test::reference
