#include <cmath>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/convolution.h"

namespace sardonyx::test {
namespace {

using reference::Ints;
using reference::PoolKind;
using reference::Window;

OpTest pool_test(const char* type, int opset, const Window& window) {
  OpTest test(type, opset);
  test.ints("kernel_shape", window.kernel).ints("strides", window.stride);
  test.ints("pads", window.pads());
  if (window.ceil_mode) test.set("ceil_mode", 1);
  return test;
}

Window window(Ints kernel, Ints stride, Ints begin, Ints end) {
  Window out(std::move(kernel));
  out.stride = std::move(stride);
  out.pad_begin = std::move(begin);
  out.pad_end = std::move(end);
  return out;
}

const Window kWindows[] = {
    window({2, 2}, {2, 2}, {0, 0}, {0, 0}), window({3, 3}, {2, 2}, {1, 1}, {1, 1}),
    window({3, 3}, {1, 1}, {1, 1}, {1, 1}), window({1, 5}, {1, 2}, {0, 2}, {0, 1}),
    window({3, 2}, {3, 1}, {0, 1}, {2, 0}),
};

TEST_CASE("MaxPool and AveragePool over odd shapes", "[pool]") {
  for (const Shape& shape :
       {Shape{1, 3, 7, 9}, Shape{2, 5, 6, 5}, Shape{1, 8, 3, 12}, Shape{1, 4, 5, 27}}) {
    const TestTensor x = random_f32(shape, 1);
    for (Window w : kWindows) {
      for (bool ceil_mode : {false, true}) {
        w.ceil_mode = ceil_mode;
        pool_test("MaxPool", 12, w)
            .input(x)
            .expect(reference::pool(PoolKind::kMax, x, w, false))
            .run();
        for (bool padded : {false, true}) {
          pool_test("AveragePool", 11, w)
              .set("count_include_pad", padded ? 1 : 0)
              .input(x)
              .expect(reference::pool(PoolKind::kAverage, x, w, padded))
              .run();
        }
      }
    }
  }
}

TEST_CASE("Pooling over one and three axes, with dilations", "[pool]") {
  const TestTensor line = random_f32({2, 3, 13}, 1), volume = random_f32({1, 3, 4, 5, 7}, 2);
  Window one = window({3}, {2}, {1}, {1});
  pool_test("MaxPool", 8, one)
      .input(line)
      .expect(reference::pool(PoolKind::kMax, line, one, false))
      .run();
  pool_test("AveragePool", 7, one)
      .input(line)
      .expect(reference::pool(PoolKind::kAverage, line, one, false))
      .run();
  one.dilation = {3};
  pool_test("MaxPool", 12, one)
      .ints("dilations", {3})
      .input(line)
      .expect(reference::pool(PoolKind::kMax, line, one, false))
      .run();
  Window three = window({2, 3, 2}, {1, 2, 2}, {1, 1, 0}, {0, 1, 1});
  pool_test("MaxPool", 12, three)
      .input(volume)
      .expect(reference::pool(PoolKind::kMax, volume, three, false))
      .run();
  pool_test("AveragePool", 11, three)
      .set("count_include_pad", 1)
      .input(volume)
      .expect(reference::pool(PoolKind::kAverage, volume, three, true))
      .run();
  Window flat = window({1, 3, 3}, {2, 2, 2}, {0, 1, 1}, {0, 1, 1});
  pool_test("MaxPool", 12, flat)
      .input(volume)
      .expect(reference::pool(PoolKind::kMax, volume, flat, false))
      .run();
  Window two = window({2, 3}, {1, 2}, {1, 1}, {0, 1});
  two.dilation = {2, 3};
  const TestTensor x = random_f32({1, 5, 8, 11}, 3);
  pool_test("MaxPool", 12, two)
      .ints("dilations", {2, 3})
      .input(x)
      .expect(reference::pool(PoolKind::kMax, x, two, false))
      .run();
  pool_test("AveragePool", 19, two)
      .ints("dilations", {2, 3})
      .input(x)
      .expect(reference::pool(PoolKind::kAverage, x, two, false))
      .run();
}

TEST_CASE("MaxPool of bytes", "[pool]") {
  for (DType dtype : {DType::kUint8, DType::kInt8}) {
    const double low = dtype == DType::kInt8 ? -128 : 0;
    for (const Shape& shape : {Shape{1, 3, 7, 9}, Shape{2, 5, 6, 37}}) {
      const TestTensor x = random_tensor(dtype, shape, 1, low, low + 255);
      for (const Window& w : kWindows) {
        const TestTensor floats = reference::pool(PoolKind::kMax, x, w, false);
        TestTensor y = make_tensor(dtype, floats.shape);
        for (int64_t i = 0; i < y.size(); ++i) set_element(y, i, element(floats, i));
        pool_test("MaxPool", 12, w).input(x).expect(y).run();
      }
    }
  }
}

TEST_CASE("MaxPool gives the indices of the maxima", "[pool]") {
  const TestTensor x = random_f32({2, 3, 6, 7}, 1);
  for (const Window& w : kWindows) {
    TestTensor indices;
    const TestTensor y = reference::pool(PoolKind::kMax, x, w, false, &indices);
    pool_test("MaxPool", 12, w).input(x).expect(y).expect(indices).run();
    TestTensor columns = indices;
    for (int64_t i = 0; i < indices.size(); ++i) {
      const int64_t index = indices.as<int64_t>()[i], in_plane = index % 42;
      columns.as<int64_t>()[i] = index - in_plane + in_plane % 7 * 6 + in_plane / 7;
    }
    pool_test("MaxPool", 12, w).set("storage_order", 1).input(x).expect(y).expect(columns).run();
  }
}

TEST_CASE("Pooling keeps NaN", "[pool]") {
  TestTensor x = random_f32({1, 5, 6, 9}, 1);
  for (int64_t i = 0; i < x.size(); i += 17) x.as<float>()[i] = NAN;
  for (int64_t i = 5; i < x.size(); i += 13) x.as<float>()[i] = -INFINITY;
  for (const Window& w : kWindows) {
    TestTensor indices;
    const TestTensor y = reference::pool(PoolKind::kMax, x, w, false, &indices);
    pool_test("MaxPool", 12, w).input(x).expect(y).run();
    pool_test("MaxPool", 12, w).input(x).expect(y).expect(indices).run();
  }
  Window whole({6, 9});
  OpTest("GlobalMaxPool").input(x).expect(reference::pool(PoolKind::kMax, x, whole, false)).run();
}

TEST_CASE("Pooling pads automatically", "[pool]") {
  const TestTensor x = random_f32({1, 3, 8, 7}, 1);
  Window upper = window({3, 3}, {2, 2}, {0, 1}, {1, 1});
  Window lower = window({3, 3}, {2, 2}, {1, 1}, {0, 1});
  for (const auto& [mode, w] : {std::pair("SAME_UPPER", upper), std::pair("SAME_LOWER", lower)}) {
    OpTest test("MaxPool", 11);
    test.set("auto_pad", mode).ints("kernel_shape", {3, 3}).ints("strides", {2, 2}).input(x);
    test.expect(reference::pool(PoolKind::kMax, x, w, false)).run();
  }
}

TEST_CASE("Global pooling", "[pool]") {
  for (const Shape& shape :
       {Shape{2, 5, 7, 9}, Shape{1, 3, 1, 1}, Shape{1, 4, 33}, Shape{1, 3, 2, 3, 5}}) {
    const TestTensor x = random_f32(shape, 1);
    const Window whole(reference::spatial(shape));
    OpTest("GlobalAveragePool")
        .input(x)
        .expect(reference::pool(PoolKind::kAverage, x, whole, false))
        .run();
    OpTest("GlobalMaxPool").input(x).expect(reference::pool(PoolKind::kMax, x, whole, false)).run();
  }
}

TEST_CASE("Pooling refuses what does not fit", "[pool]") {
  const TestTensor x = random_f32({1, 3, 8, 7}, 1);
  OpTest("MaxPool", 12).input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("MaxPool", 12).ints("kernel_shape", {2}).input(x).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("MaxPool", 12).ints("kernel_shape", {9, 2}).input(x).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("MaxPool", 12).ints("kernel_shape", {2, 0}).input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("AveragePool", 11)
      .ints("kernel_shape", {2, 2})
      .ints("pads", {1, 1})
      .input(x)
      .fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("GlobalAveragePool").input(random_f32({3, 4}, 1)).fails(ErrorCode::SHAPE_MISMATCH);
}

}  // namespace
}  // namespace sardonyx::test
