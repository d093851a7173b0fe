#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include "ops/numpy_random.h"
#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {

// numpy.random.seed(0); numpy.random.uniform(size=4), numpy.random.normal(size=4)
const std::vector<float> kUniform = {0.5488135f, 0.71518937f, 0.60276338f, 0.54488318f};
const std::vector<float> kNormal = {1.76405235f, 0.40015721f, 0.97873798f, 2.2408932f};

TEST_CASE("seeded random numbers are those of NumPy", "[random]") {
  OpTest("RandomUniform", 1)
      .set("seed", 0.0)
      .ints("shape", {2, 2})
      .expect(f32({2, 2}, kUniform))
      .run();
  OpTest("RandomNormal", 1).set("seed", 0.0).ints("shape", {4}).expect(f32({4}, kNormal)).run();
  OpTest("RandomNormalLike", 1)
      .set("seed", 0.0)
      .input(i64({4}, {0, 0, 0, 0}))
      .set("dtype", static_cast<int>(DType::kFloat32))
      .expect(f32({4}, kNormal))
      .run();
  OpTest("RandomUniformLike", 1)
      .set("seed", 0.0)
      .set("low", 2.0)
      .set("high", 4.0)
      .input(f32({1}, {0}))
      .expect(f32({1}, {2 + 2 * kUniform[0]}))
      .run();
}

TEST_CASE("seeds differ from call to call", "[random]") {
  CHECK(ops::RandomState::fresh_seed() != ops::RandomState::fresh_seed());
}

TEST_CASE("what is certain of unseeded random numbers", "[random]") {
  OpTest("RandomUniform", 1)
      .set("low", 3.0)
      .set("high", 3.0)
      .ints("shape", {3})
      .expect(f32({3}, {3, 3, 3}))
      .run();
  OpTest("RandomNormal", 1)
      .set("mean", -1.0)
      .set("scale", 0.0)
      .set("dtype", static_cast<int>(DType::kFloat64))
      .ints("shape", {2, 0})
      .expect(make_tensor(DType::kFloat64, {2, 0}))
      .run();
  OpTest("Bernoulli", 15).input(f32({4}, {0, 1, 1, 0})).expect(f32({4}, {0, 1, 1, 0})).run();
  OpTest("Bernoulli", 15)
      .set("dtype", static_cast<int>(DType::kBool))
      .input(f32({2}, {0, 1}))
      .expect(bools({2}, {0, 1}))
      .run();
  OpTest("Multinomial", 7)
      .set("sample_size", 3)
      .input(f32({2, 3}, {-1e9f, 0, -1e9f, 0, -1e9f, -1e9f}))
      .expect(i32({2, 3}, {1, 1, 1, 0, 0, 0}))
      .run();
}

TEST_CASE("random operators refuse attributes and dtypes", "[random]") {
  OpTest("RandomUniform", 1).ints("shape", {-1}).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("RandomUniform", 1)
      .ints("shape", {1, 1, 1, 1, 1, 1, 1, 1, 1})
      .fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("RandomNormalLike", 1).input(i64({1}, {0})).fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("Multinomial", 7).input(random_f32({3}, 1)).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("Multinomial", 7).input(random_f32({3, 0}, 1)).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("Multinomial", 7)
      .set("sample_size", 0)
      .input(random_f32({1, 1}, 1))
      .fails(ErrorCode::ATTRIBUTE_INVALID);
}

}  // namespace sardonyx::test
