#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/movement.h"

namespace sardonyx::test {
namespace {

// Random tuples [lead…, depth] that are in range for the dims of `data` from `first` on.
TestTensor tuples(const Shape& lead, const Shape& data, int first, int64_t depth, uint32_t seed) {
  Shape shape = lead;
  shape.push_back(depth);
  TestTensor out = random_tensor(DType::kInt64, shape, seed, 0, 1000);
  for (int64_t i = 0; i < out.size(); ++i) {
    const int64_t dim = data[first + static_cast<int>(i % depth)];
    const auto value = static_cast<int64_t>(element(out, i)) % (2 * dim) - dim;
    set_element(out, i, static_cast<double>(value));
  }
  return out;
}

// Coordinates in the data of the element at `at` in the tensor of slices.
std::vector<int64_t> source(const std::vector<int64_t>& at, const TestTensor& indices,
                            const Shape& data, size_t batch_dims) {
  const auto lead = static_cast<size_t>(indices.shape.rank() - 1);
  const int64_t depth = indices.shape[static_cast<int>(lead)];
  int64_t tuple = 0;
  for (size_t i = 0; i < lead; ++i) tuple = tuple * indices.shape[static_cast<int>(i)] + at[i];
  std::vector<int64_t> out(at.begin(), at.begin() + static_cast<long>(batch_dims));
  for (int64_t k = 0; k < depth; ++k) {
    const auto index = static_cast<int64_t>(element(indices, tuple * depth + k));
    out.push_back(index < 0 ? index + data[static_cast<int>(batch_dims) + static_cast<int>(k)]
                            : index);
  }
  out.insert(out.end(), at.begin() + static_cast<long>(lead), at.end());
  return out;
}

Shape slices_shape(const TestTensor& indices, const Shape& data, int batch_dims) {
  const int last = indices.shape.rank() - 1;
  Shape out;
  for (int i = 0; i < last; ++i) out.push_back(indices.shape[i]);
  const auto depth = static_cast<int>(indices.shape[last]);
  for (int i = batch_dims + depth; i < data.rank(); ++i) out.push_back(data[i]);
  return out;
}

}  // namespace

TEST_CASE("GatherND of every depth and with batches", "[gather_scatter_nd]") {
  const Shape data{2, 3, 4, 2};
  for (DType dtype : {DType::kFloat32, DType::kInt64, DType::kUint8}) {
    const TestTensor x = random_tensor(dtype, data, 1, 0, 99);
    for (int batch_dims = 0; batch_dims < 3; ++batch_dims) {
      for (int depth = 1; depth + batch_dims <= 4; ++depth) {
        Shape lead(data.dims().first(static_cast<size_t>(batch_dims)));
        lead.push_back(3);
        const TestTensor indices = tuples(lead, data, batch_dims, depth, 2);
        const TestTensor y = reference::gather_from(
            x, slices_shape(indices, data, batch_dims), [&](const std::vector<int64_t>& at) {
              return source(at, indices, data, static_cast<size_t>(batch_dims));
            });
        OpTest("GatherND", 13)
            .set("batch_dims", batch_dims)
            .input(x)
            .weight(indices)
            .expect(y)
            .run();
      }
    }
  }
}

TEST_CASE("ScatterND of every depth and with every reduction", "[gather_scatter_nd]") {
  const Shape data{3, 2, 4};
  for (DType dtype : {DType::kFloat32, DType::kInt32}) {
    const TestTensor x = random_tensor(dtype, data, 1, 0, 9);
    for (int depth = 1; depth <= 3; ++depth) {
      const TestTensor indices = tuples({5}, data, 0, depth, 3);
      const TestTensor updates = random_tensor(dtype, slices_shape(indices, data, 0), 4, 0, 9);
      for (const std::string how : {"none", "add", "mul", "max", "min"}) {
        TestTensor y = x;
        for (int64_t i = 0; i < updates.size(); ++i) {
          const int64_t to = reference::linear_index(
              source(reference::coordinates(i, updates.shape), indices, data, 0), data);
          const double a = element(y, to), b = element(updates, i);
          set_element(y, to,
                      how == "add"   ? a + b
                      : how == "mul" ? a * b
                      : how == "max" ? std::fmax(a, b)
                      : how == "min" ? std::fmin(a, b)
                                     : b);
        }
        OpTest("ScatterND", 18)
            .set("reduction", how.c_str())
            .input(x)
            .weight(indices)
            .input(updates)
            .expect(y)
            .run();
      }
    }
  }
}

TEST_CASE("neighbouring slices, across the ends of rows and named twice", "[gather_scatter_nd]") {
  const TestTensor x = random_f32({2, 3, 2}, 1);
  const TestTensor updates = random_f32({5, 2}, 2);
  const TestTensor indices = i64({5, 2}, {0, 1, 0, 2, 1, 0, 0, 2, -1, -3});
  TestTensor y = x, gathered = make_tensor(DType::kFloat32, {5, 2});
  for (int64_t i = 0; i < 5; ++i) {
    const int64_t slice = std::array{1, 2, 3, 2, 3}[static_cast<size_t>(i)];
    for (int64_t j = 0; j < 2; ++j) {
      set_element(y, slice * 2 + j, element(updates, i * 2 + j));
      set_element(gathered, i * 2 + j, element(x, slice * 2 + j));
    }
  }
  OpTest("ScatterND", 16).input(x).weight(indices).input(updates).expect(y).run();
  OpTest("GatherND", 13).input(x).weight(indices).expect(gathered).run();
}

TEST_CASE("empty index tensors", "[gather_scatter_nd]") {
  const TestTensor x = random_f32({2, 3}, 1);
  OpTest("GatherND", 13).input(x).weight(i64({0, 1}, {})).expect(f32({0, 3}, {})).run();
  OpTest("ScatterND", 16).input(x).weight(i64({0, 2}, {})).input(f32({0}, {})).expect(x).run();
}

TEST_CASE("GatherND and ScatterND refuse indices and shapes", "[gather_scatter_nd]") {
  const TestTensor x = random_f32({2, 3}, 1);
  OpTest("GatherND", 13).input(x).weight(i64({1, 2}, {1, 3})).fails(ErrorCode::INDEX_RANGE);
  OpTest("GatherND", 13).input(x).weight(i64({1, 2}, {-3, 0})).fails(ErrorCode::INDEX_RANGE);
  OpTest("GatherND", 13).input(x).weight(i64({1, 3}, {0, 0, 0})).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("GatherND", 13).input(x).weight(i64({2, 0}, {})).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("GatherND", 13).input(x).weight(scalar<int64_t>(0)).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("GatherND", 13).input(x).weight(f32({1, 1}, {0})).fails(ErrorCode::DTYPE_UNSUPPORTED);
  for (int batch_dims : {-1, 2}) {
    OpTest("GatherND", 13)
        .set("batch_dims", batch_dims)
        .input(x)
        .weight(i64({2, 1}, {0, 0}))
        .fails(ErrorCode::ATTRIBUTE_INVALID);
  }
  OpTest("GatherND", 13)
      .set("batch_dims", 1)
      .input(x)
      .weight(i64({3, 1}, {0, 0, 0}))
      .fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("ScatterND", 13)
      .input(x)
      .weight(i64({1, 2}, {2, 0}))
      .input(f32({1}, {0}))
      .fails(ErrorCode::INDEX_RANGE);
  OpTest("ScatterND", 13)
      .input(x)
      .weight(i64({1, 2}, {1, 0}))
      .input(f32({2}, {0, 0}))
      .fails(ErrorCode::SHAPE_MISMATCH);
}

}  // namespace sardonyx::test
