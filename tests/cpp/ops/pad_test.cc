#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/movement.h"

namespace sardonyx::test {
namespace {

TestTensor list(const std::vector<int64_t>& values) {
  return i64({static_cast<int64_t>(values.size())}, values);
}

// Walks outwards from the tensor one element at a time.
int64_t source(int64_t i, int64_t dim, const std::string& mode) {
  if (mode == "wrap") {
    while (i < 0) i += dim;
    while (i >= dim) i -= dim;
  } else if (mode == "edge") {
    i = std::clamp<int64_t>(i, 0, dim - 1);
  } else if (dim == 1) {
    i = 0;
  } else {
    while (i < 0 || i >= dim) i = i < 0 ? -i : 2 * (dim - 1) - i;
  }
  return i;
}

TestTensor padded(const TestTensor& x, const std::vector<int64_t>& pads, const std::string& mode,
                  double value) {
  Shape shape = x.shape;
  const int rank = shape.rank();
  for (int axis = 0; axis < rank; ++axis) {
    shape[axis] += pads[static_cast<size_t>(axis)] + pads[static_cast<size_t>(axis + rank)];
  }
  TestTensor out = make_tensor(x.dtype, shape);
  for (int64_t i = 0; i < out.size(); ++i) {
    auto at = reference::coordinates(i, shape);
    bool outside = false;
    for (int axis = 0; axis < rank; ++axis) {
      int64_t& position = at[static_cast<size_t>(axis)];
      position -= pads[static_cast<size_t>(axis)];
      if (mode == "constant") {
        outside = outside || position < 0 || position >= x.shape[axis];
      } else {
        position = source(position, x.shape[axis], mode);
      }
    }
    if (outside) {
      set_element(out, i, value);
    } else {
      reference::copy_element(out, i, x, reference::linear_index(at, x.shape));
    }
  }
  return out;
}

struct Case {
  Shape shape;
  std::vector<int64_t> pads;
};
const Case kCases[] = {
    {{5}, {2, 3}},
    {{5}, {0, 0}},
    {{3, 4}, {1, 0, 0, 2}},
    {{3, 4}, {-1, 2, 1, -3}},
    {{2, 3, 4, 5}, {0, 0, 1, 2, 0, 0, 3, 1}},
    {{1, 2, 2}, {1, 0, 1, 1, 0, 1}},
    {{1, 1, 3}, {1, 2, 0, 0, 1, 2}},
    {{6}, {-2, -3}},
    {{4}, {-4, 5}},
};

TEST_CASE("Pad in every mode", "[pad]") {
  for (const std::string mode : {"constant", "edge", "reflect", "wrap"}) {
    for (const Case& c : kCases) {
      const TestTensor x = random_f32(c.shape, 1);
      const TestTensor zero_padded = padded(x, c.pads, mode, 0);
      OpTest("Pad", 2)
          .set("mode", mode.c_str())
          .ints("pads", c.pads)
          .input(x)
          .expect(zero_padded)
          .run();
      OpTest("Pad", 19)
          .set("mode", mode.c_str())
          .input(x)
          .weight(list(c.pads))
          .expect(zero_padded)
          .run();
    }
  }
}

TEST_CASE("Pad with a value, for any dtype", "[pad]") {
  for (DType dtype :
       {DType::kFloat32, DType::kInt64, DType::kUint8, DType::kFloat16, DType::kBool}) {
    for (const Case& c : kCases) {
      const TestTensor x = random_tensor(dtype, c.shape, 2, 0, 9);
      TestTensor value = make_tensor(dtype, {});
      set_element(value, 0, 1);
      OpTest("Pad", 13)
          .input(x)
          .constant(list(c.pads))
          .weight(value)
          .expect(padded(x, c.pads, "constant", 1))
          .run();
    }
  }
  const TestTensor x = random_f32({2, 3}, 3);
  OpTest("Pad", 2)
      .set("value", 1.5)
      .ints("pads", {1, 1, 1, 1})
      .input(x)
      .expect(padded(x, {1, 1, 1, 1}, "constant", 1.5))
      .run();
  const TestTensor half = random_tensor(DType::kFloat16, {2, 3}, 3);
  OpTest("Pad", 1)
      .set("value", 1.5)
      .ints("paddings", {1, 1, 1, 1})
      .input(half)
      .expect(padded(half, {1, 1, 1, 1}, "constant", 1.5))
      .run();
}

TEST_CASE("Pad of some axes", "[pad]") {
  const TestTensor x = random_f32({2, 3, 4}, 4);
  OpTest("Pad", 18)
      .set("mode", "edge")
      .input(x)
      .constant(list({1, 2, 3, 4}))
      .absent()
      .weight(list({-1, 0}))
      .expect(padded(x, {2, 0, 1, 4, 0, 3}, "edge", 0))
      .run();
}

TEST_CASE("Pad of empty and scalar tensors", "[pad]") {
  const TestTensor empty = random_f32({0, 2}, 5);
  OpTest("Pad", 13)
      .input(empty)
      .constant(list({1, 0, 1, 0}))
      .expect(f32({2, 2}, {0, 0, 0, 0}))
      .run();
  const TestTensor scalar = random_f32({}, 6);
  for (const char* mode : {"constant", "edge"}) {
    OpTest("Pad", 13).set("mode", mode).input(scalar).constant(list({})).expect(scalar).run();
  }
}

TEST_CASE("Pad refuses what does not fit", "[pad]") {
  const TestTensor x = random_f32({2, 3}, 7);
  OpTest("Pad", 13).input(x).constant(list({1, 1, 1})).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("Pad", 13).input(x).constant(list({-3, 0, 0, 0})).fails(ErrorCode::VALUE_RANGE);
  OpTest("Pad", 13)
      .input(x)
      .constant(list({INT64_MAX, 0, INT64_MAX, 0}))
      .fails(ErrorCode::VALUE_RANGE);
  OpTest("Pad", 13)
      .set("mode", "mirror")
      .input(x)
      .constant(list({0, 0, 0, 0}))
      .fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("Pad", 13)
      .set("mode", "edge")
      .input(random_f32({0}, 1))
      .constant(list({1, 1}))
      .fails(ErrorCode::VALUE_RANGE);
  OpTest("Pad", 18)
      .input(x)
      .constant(list({1, 1}))
      .absent()
      .constant(list({2}))
      .fails(ErrorCode::VALUE_RANGE);
  OpTest("Pad", 13)
      .input(x)
      .constant(list({0, 0, 0, 0}))
      .constant(scalar<int64_t>(1))
      .fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("Pad", 13)
      .input(x)
      .constant(list({0, 0, 0, 0}))
      .constant(f32({2}, {1, 2}))
      .fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("Pad", 2).input(x).fails(ErrorCode::SHAPE_MISMATCH);
}

}  // namespace
}  // namespace sardonyx::test
