#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <functional>
#include <limits>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/elementwise.h"

namespace sardonyx::test {
namespace {

using reference::zip;
using Fn = std::function<double(double, double)>;

struct Pair {
  Shape a, b;
};
const Pair kPairs[] = {
    {{}, {}},
    {{1}, {1}},
    {{7}, {7}},
    {{7}, {}},
    {{}, {7}},
    {{2, 3}, {3}},
    {{3}, {2, 3}},
    {{2, 3}, {2, 1}},
    {{2, 1}, {1, 3}},
    {{4, 1, 5}, {3, 1}},
    {{2, 6, 3, 5}, {6, 1, 1}},
    {{2, 6, 3, 5}, {2, 6, 3, 5}},
    {{2, 6, 3, 5}, {1, 6, 1, 1}},
    {{2, 6, 3, 5}, {2, 6, 1, 1}},
    {{1, 8, 3, 1}, {2, 8, 1, 5}},
    {{1, 5, 1, 1}, {3, 5, 2, 2}},
    {{2, 6, 3, 5}, {2, 6, 3, 1}},
    {{2, 1, 3, 5}, {1, 1, 1, 5}},
    {{2, 6, 4}, {4}},
    {{7, 4}, {7, 1}},
    {{1, 5, 7}, {1, 5, 7}},
    {{2, 6, 3, 5}, {1}},
    {{0}, {1}},
    {{2, 0, 3}, {3}},
    {{1, 3, 1, 2, 1, 2}, {2, 1, 4, 1, 3, 1}},
    {{2, 3, 4}, {2, 1, 4}},
    {{5, 129}, {129}},
};

struct Case {
  const char* op;
  Fn fn;
  int opset = 18;
};

const Case kArithmetic[] = {
    {"Add", [](double a, double b) { return a + b; }},
    {"Sub", [](double a, double b) { return a - b; }},
    {"Mul", [](double a, double b) { return a * b; }},
    {"Div", [](double a, double b) { return a / b; }},
    {"Min", [](double a, double b) { return std::fmin(a, b); }},
    {"Max", [](double a, double b) { return std::fmax(a, b); }},
    {"Sum", [](double a, double b) { return a + b; }},
    {"PRelu", [](double a, double b) { return a < 0 ? a * b : a; }},
};
const Case kComparisons[] = {
    {"Equal", [](double a, double b) { return a == b; }},
    {"Less", [](double a, double b) { return a < b; }},
    {"LessOrEqual", [](double a, double b) { return a <= b; }},
    {"Greater", [](double a, double b) { return a > b; }},
    {"GreaterOrEqual", [](double a, double b) { return a >= b; }},
};

bool slope_fits(const Pair& pair) {
  const auto shape = broadcast(pair.a, pair.b);
  return shape && *shape == pair.a;
}

TEST_CASE("arithmetic on float32 broadcasts", "[elementwise_binary]") {
  uint32_t seed = 1;
  for (const Case& c : kArithmetic) {
    for (const Pair& pair : kPairs) {
      if (std::string(c.op) == "PRelu" && !slope_fits(pair)) continue;
      const TestTensor a = random_f32(pair.a, seed++);
      const TestTensor b = random_f32(pair.b, seed++, 0.5, 3);
      OpTest(c.op, c.opset)
          .input(a)
          .weight(b)
          .expect(zip(a, b, DType::kFloat32, c.fn))
          .tolerance(1e-6, 1e-7)
          .run();
    }
  }
}

TEST_CASE("comparisons broadcast", "[elementwise_binary]") {
  uint32_t seed = 1000;
  for (const Case& c : kComparisons) {
    for (const Pair& pair : kPairs) {
      for (DType dtype : {DType::kFloat32, DType::kInt64, DType::kInt32}) {
        const TestTensor a = random_tensor(dtype, pair.a, seed++, -3, 3);
        TestTensor b = random_tensor(dtype, pair.b, seed++, -3, 3);
        if (a.size() && b.size()) set_element(b, 0, element(a, 0));
        OpTest(c.op, c.opset).input(a).input(b).expect(zip(a, b, DType::kBool, c.fn)).run();
      }
    }
  }
}

TEST_CASE("arithmetic on other dtypes", "[elementwise_binary]") {
  const DType kDTypes[] = {DType::kFloat64, DType::kFloat16, DType::kBfloat16, DType::kInt8,
                           DType::kUint8,   DType::kInt16,   DType::kUint16,   DType::kInt32,
                           DType::kUint32,  DType::kInt64,   DType::kUint64};
  uint32_t seed = 2000;
  for (DType dtype : kDTypes) {
    const bool whole =
        dtype != DType::kFloat64 && dtype != DType::kFloat16 && dtype != DType::kBfloat16;
    const double relative = dtype == DType::kFloat64   ? 1e-12
                            : dtype == DType::kFloat16 ? 2e-3
                                                       : 1e-2;
    for (const Case& c : kArithmetic) {
      const TestTensor a = random_tensor(dtype, {3, 131}, seed++, 0, 10);
      const TestTensor b = random_tensor(dtype, {131}, seed++, 1, 10);
      const Fn fn = [&](double x, double y) {
        // Differences below zero wrap in unsigned dtypes: kept out of the comparison with double.
        return whole && std::string(c.op) == "Sub" ? static_cast<double>(std::llround(x - y))
                                                   : c.fn(x, y);
      };
      if (dtype == DType::kUint64 && std::string(c.op) == "Sub") continue;
      OpTest(c.op, c.opset)
          .input(a)
          .input(b)
          .expect(zip(a, b, dtype, fn))
          .tolerance(relative, 1e-6)
          .run();
    }
  }
}

TEST_CASE("integers wrap and divide towards zero", "[elementwise_binary]") {
  const TestTensor a = i64({4}, {INT64_MAX, INT64_MIN, -7, 7});
  const TestTensor b = i64({4}, {1, -1, 2, -2});
  OpTest("Add").input(a).input(b).expect(i64({4}, {INT64_MIN, INT64_MAX, -5, 5})).run();
  OpTest("Div").input(a).input(b).expect(i64({4}, {INT64_MAX, INT64_MIN, -3, -3})).run();
  OpTest("Mul").input(a).input(b).expect(i64({4}, {INT64_MAX, INT64_MIN, -14, -14})).run();
  OpTest("Mul").input(i32({2}, {1 << 30, -5})).input(i32({}, {4})).expect(i32({2}, {0, -20})).run();
  const TestTensor big = tensor<uint64_t>({2}, {UINT64_MAX, 1});
  OpTest("Greater").input(big).input(scalar<uint64_t>(5)).expect(bools({2}, {1, 0})).run();
  OpTest("Max")
      .input(big)
      .input(scalar<uint64_t>(5))
      .expect(tensor<uint64_t>({2}, {UINT64_MAX, 5}))
      .run();
  OpTest("Div")
      .input(big)
      .input(scalar<uint64_t>(2))
      .expect(tensor<uint64_t>({2}, {UINT64_MAX / 2, 0}))
      .run();
}

TEST_CASE("division of an integer by zero is an error", "[elementwise_binary]") {
  OpTest("Div").input(i64({2}, {1, 2})).input(i64({2}, {1, 0})).fails(ErrorCode::VALUE_RANGE);
  OpTest("Mod").input(i32({1}, {1})).input(i32({1}, {0})).fails(ErrorCode::VALUE_RANGE);
  const float inf = std::numeric_limits<float>::infinity();
  OpTest("Div").input(f32({2}, {1, -1})).input(f32({}, {0})).expect(f32({2}, {inf, -inf})).run();
}

TEST_CASE("Pow", "[elementwise_binary]") {
  const Fn pow = [](double a, double b) { return std::pow(a, b); };
  const TestTensor a = random_f32({3, 37}, 11, 0.1, 5);
  for (double exponent : {2.0, 3.0, 0.5, -1.0, 1.0, 0.0, -0.5, 1.7}) {
    const TestTensor b = scalar(static_cast<float>(exponent));
    OpTest("Pow", 15)
        .input(a)
        .weight(b)
        .expect(zip(a, b, DType::kFloat32, pow))
        .tolerance(1e-5, 1e-6)
        .run();
  }
  const TestTensor b = random_f32({37}, 12, -2, 2);
  OpTest("Pow", 15)
      .input(a)
      .input(b)
      .expect(zip(a, b, DType::kFloat32, pow))
      .tolerance(1e-5, 1e-6)
      .run();
  const TestTensor whole = i64({3}, {2, 0, 3});
  const TestTensor base = f32({3}, {-1.5f, 4, -2});
  OpTest("Pow", 15).input(base).input(whole).expect(f32({3}, {2.25f, 1, -8})).run();
  OpTest("Pow", 15)
      .input(i64({4}, {-3, 2, -1, 5}))
      .input(i64({4}, {3, 10, -3, -1}))
      .expect(i64({4}, {-27, 1024, -1, 0}))
      .run();
  OpTest("Pow", 15).input(i32({2}, {4, 9})).input(f32({}, {0.5f})).expect(i32({2}, {2, 3})).run();
}

TEST_CASE("Mod follows the divisor's sign, fmod the dividend's", "[elementwise_binary]") {
  const TestTensor a = i64({6}, {-4, 7, 5, 4, -7, 8});
  const TestTensor b = i64({6}, {2, -3, 8, -2, 3, 5});
  OpTest("Mod", 13).input(a).input(b).expect(i64({6}, {0, -2, 5, 0, 2, 3})).run();
  OpTest("Mod", 13).set("fmod", 1).input(a).input(b).expect(i64({6}, {0, 1, 5, 0, -1, 3})).run();
  OpTest("Mod", 13)
      .set("fmod", 1)
      .input(f32({3}, {-4.3f, 7.2f, 5.0f}))
      .input(f32({3}, {2.1f, -3.4f, 8.0f}))
      .expect(f32({3}, {-0.1f, 0.4f, 5.0f}))
      .tolerance(1e-5, 1e-6)
      .run();
  OpTest("Mod", 13)
      .input(f32({3}, {-4.3f, 7.2f, 5.0f}))
      .input(f32({3}, {2.1f, -3.4f, 8.0f}))
      .expect(f32({3}, {2.0f, -3.0f, 5.0f}))
      .run();
}

TEST_CASE("Mean of one and many operands", "[elementwise_binary]") {
  const TestTensor x = random_f32({2, 6, 3, 3}, 21);
  OpTest("Mean", 13).input(x).expect(x).run();
  OpTest("Mean", 6)
      .input(f32({3}, {1, 2, 3}))
      .input(f32({3}, {3, 2, 1}))
      .input(f32({}, {2}))
      .expect(f32({3}, {2, 2, 2}))
      .run();
  OpTest("Mean", 13).input(i64({1}, {1})).fails(ErrorCode::DTYPE_UNSUPPORTED);
}

TEST_CASE("boolean operators", "[elementwise_binary]") {
  const TestTensor a = bools({2, 2}, {0, 0, 1, 1});
  const TestTensor b = bools({2}, {0, 1});
  OpTest("And").input(a).input(b).expect(bools({2, 2}, {0, 0, 0, 1})).run();
  OpTest("Or").input(a).input(b).expect(bools({2, 2}, {0, 1, 1, 1})).run();
  OpTest("Xor").input(a).input(b).expect(bools({2, 2}, {0, 1, 1, 0})).run();
  OpTest("Equal").input(a).input(b).expect(bools({2, 2}, {1, 0, 0, 1})).run();
  OpTest("And").input(f32({1}, {1})).input(f32({1}, {1})).fails(ErrorCode::DTYPE_UNSUPPORTED);
}

TEST_CASE("Min, Max and Sum of one and many operands", "[elementwise_binary]") {
  const TestTensor x = random_f32({2, 6, 3, 3}, 21);
  const TestTensor y = random_f32({6, 1, 1}, 22);
  const TestTensor z = random_f32({2, 1, 3, 3}, 23);
  for (const Case& c : kArithmetic) {
    const std::string op = c.op;
    if (op != "Min" && op != "Max" && op != "Sum") continue;
    OpTest(op).input(x).expect(x).run();
    const TestTensor xy = zip(x, y, DType::kFloat32, c.fn);
    OpTest(op).input(x).input(y).input(z).expect(zip(xy, z, DType::kFloat32, c.fn)).run();
    OpTest(op)
        .input(y)
        .input(z)
        .input(x)
        .expect(zip(xy, z, DType::kFloat32, c.fn))
        .tolerance(1e-5, 1e-6)
        .run();
    const TestTensor xx = zip(x, x, DType::kFloat32, c.fn);
    OpTest(op).input(x).input(x).input(x).expect(zip(xx, x, DType::kFloat32, c.fn)).run();
  }
}

TEST_CASE("Min and Max keep NaN of either side", "[elementwise_binary]") {
  const float nan = std::nanf("");
  const TestTensor a = f32({5}, {nan, 1, nan, 2, 5});
  const TestTensor b = f32({5}, {1, nan, nan, 3, 4});
  OpTest("Min").input(a).input(b).expect(f32({5}, {nan, nan, nan, 2, 4})).run();
  OpTest("Max").input(a).input(b).expect(f32({5}, {nan, nan, nan, 3, 5})).run();
}

TEST_CASE("long rows are cut into chunks", "[elementwise_binary]") {
  const TestTensor a = random_f32({3, 33001}, 31);
  for (const Shape& shape : {Shape{3, 33001}, Shape{33001}, Shape{3, 1}, Shape{}}) {
    const TestTensor b = random_f32(shape, 32);
    const Fn add = [](double x, double y) { return x + y; };
    OpTest("Add").input(a).input(b).expect(zip(a, b, DType::kFloat32, add)).run();
  }
}

TEST_CASE("binary operators refuse what does not fit", "[elementwise_binary]") {
  OpTest("Add").input(f32({2}, {1, 2})).input(f32({3}, {1, 2, 3})).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("Add").input(f32({1}, {1})).input(i64({1}, {1})).fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("Add").input(bools({1}, {1})).input(bools({1}, {1})).fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("Add").input(f32({1}, {1})).fails(ErrorCode::GRAPH_INPUT_MISSING);
  OpTest("Add").input(f32({1}, {1})).absent().fails(ErrorCode::GRAPH_INPUT_MISSING);
  OpTest("Max").fails(ErrorCode::GRAPH_INPUT_MISSING);
  OpTest("Max").input(f32({1}, {1})).absent().fails(ErrorCode::GRAPH_INPUT_MISSING);
  OpTest("PRelu")
      .input(f32({3}, {1, 2, 3}))
      .input(f32({2, 3}, {1, 2, 3, 4, 5, 6}))
      .fails(ErrorCode::SHAPE_MISMATCH);
}

}  // namespace
}  // namespace sardonyx::test
