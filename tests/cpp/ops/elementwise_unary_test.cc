#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <functional>
#include <limits>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/elementwise.h"

namespace sardonyx::test {
namespace {

using reference::map;
using Fn = std::function<double(double)>;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Around vector widths, ranks with an NC4HW4 form, empty.
const Shape kShapes[] = {{},   {0},       {1},       {3},          {4},
                         {17}, {2, 0, 3}, {2, 5, 7}, {1, 6, 3, 5}, {2, 4, 9, 1}};

struct Case {
  const char* op;
  Fn fn;
  double low = -4, high = 4;
  double absolute = 1e-6;
  int opset = 24;
};

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}
double softplus(double x) {
  return std::log1p(std::exp(-std::fabs(x))) + std::fmax(x, 0);
}
double gelu(double x) {
  return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
}
double clamp(double x, double low, double high) {
  return std::fmin(std::fmax(x, low), high);
}

const Case kCases[] = {
    {"Abs", [](double x) { return std::fabs(x); }},
    {"Neg", [](double x) { return -x; }},
    {"Relu", [](double x) { return x > 0 ? x : 0; }},
    {"Sign", [](double x) { return (x > 0) - (x < 0); }},
    {"LeakyRelu", [](double x) { return x < 0 ? double{0.01f} * x : x; }},
    {"HardSigmoid", [](double x) { return clamp(double{0.2f} * x + 0.5, 0, 1); }},
    {"HardSwish", [](double x) { return x * clamp(x / 6 + 0.5, 0, 1); }},
    {"Elu", [](double x) { return x < 0 ? std::exp(x) - 1 : x; }},
    {"Selu",
     [](double x) {
       return 1.05070102214813232 * (x > 0 ? x : 1.67326319217681885 * std::expm1(x));
     }},
    {"Celu", [](double x) { return std::fmax(0, x) + std::fmin(0, std::expm1(x)); }},
    {"ThresholdedRelu", [](double x) { return x > 1 ? x : 0; }},
    {"Shrink", [](double x) { return std::fabs(x) > 0.5 ? x : 0; }},
    {"Softplus", softplus, -60, 60},
    {"Softsign", [](double x) { return x / (1 + std::fabs(x)); }},
    {"Mish", [](double x) { return x * std::tanh(softplus(x)); }},
    {"Sigmoid", sigmoid, -30, 30},
    {"Swish", [](double x) { return x * sigmoid(x); }, -30, 30},
    {"Gelu", gelu, -8, 8},
    {"Tanh", [](double x) { return std::tanh(x); }, -12, 12},
    {"Exp", [](double x) { return std::exp(x); }, -80, 80},
    {"Log", [](double x) { return std::log(x); }, 0.001, 50},
    {"Sqrt", [](double x) { return std::sqrt(x); }, 0, 50},
    {"Erf", [](double x) { return std::erf(x); }, -5, 5},
    {"Reciprocal", [](double x) { return 1 / x; }, 0.1, 9},
    {"Floor", [](double x) { return std::floor(x); }},
    {"Ceil", [](double x) { return std::ceil(x); }},
    {"Round", [](double x) { return std::nearbyint(x); }},
    {"Sin", [](double x) { return std::sin(x); }, -100, 100},
    {"Cos", [](double x) { return std::cos(x); }, -100, 100},
    {"Tan", [](double x) { return std::tan(x); }, -1.2, 1.2},
    {"Asin", [](double x) { return std::asin(x); }, -1, 1},
    {"Acos", [](double x) { return std::acos(x); }, -1, 1},
    {"Atan", [](double x) { return std::atan(x); }},
    {"Sinh", [](double x) { return std::sinh(x); }},
    {"Cosh", [](double x) { return std::cosh(x); }},
    {"Asinh", [](double x) { return std::asinh(x); }},
    {"Acosh", [](double x) { return std::acosh(x); }, 1, 9},
    {"Atanh", [](double x) { return std::atanh(x); }, -0.9, 0.9},
};

TEST_CASE("unary operators on float32", "[elementwise_unary]") {
  uint32_t seed = 1;
  for (const Case& c : kCases) {
    for (const Shape& shape : kShapes) {
      const TestTensor x = random_f32(shape, seed++, c.low, c.high);
      OpTest(c.op, c.opset).input(x).expect(map(x, c.fn)).tolerance(2e-6, c.absolute).run();
    }
  }
}

TEST_CASE("unary operators on long float32 tensors and on other floats", "[elementwise_unary]") {
  uint32_t seed = 100;
  for (const Case& c : kCases) {
    const TestTensor x = random_f32({3, 17001}, seed++, c.low, c.high);
    OpTest(c.op, c.opset).input(x).expect(map(x, c.fn)).tolerance(2e-6, c.absolute).run();
    const TestTensor f64 = random_tensor(DType::kFloat64, {2, 65}, seed++, c.low, c.high);
    OpTest(c.op, c.opset).input(f64).expect(map(f64, c.fn)).tolerance(1e-7, 1e-9).run();
    const TestTensor f16 =
        random_tensor(DType::kFloat16, {133}, seed++, c.low, std::fmin(c.high, 9));
    OpTest(c.op, c.opset).input(f16).expect(map(f16, c.fn)).tolerance(2e-3, 1e-4).run();
    const TestTensor bf16 = random_tensor(DType::kBfloat16, {29}, seed++, c.low, c.high);
    OpTest(c.op, c.opset).input(bf16).expect(map(bf16, c.fn)).tolerance(1e-2, 1e-3).run();
  }
}

TEST_CASE("unary operators on integers", "[elementwise_unary]") {
  const DType kSigned[] = {DType::kInt8, DType::kInt16, DType::kInt32, DType::kInt64};
  const DType kUnsigned[] = {DType::kUint8, DType::kUint16, DType::kUint32, DType::kUint64};
  for (DType dtype : kSigned) {
    const TestTensor x = random_tensor(dtype, {3, 67}, 5, -100, 100);
    OpTest("Abs").input(x).expect(map(x, [](double v) { return std::fabs(v); })).run();
    OpTest("Neg").input(x).expect(map(x, [](double v) { return -v; })).run();
    OpTest("Sign").input(x).expect(map(x, [](double v) { return (v > 0) - (v < 0); })).run();
    OpTest("Relu").input(x).expect(map(x, [](double v) { return v > 0 ? v : 0; })).run();
  }
  for (DType dtype : kUnsigned) {
    const TestTensor x = random_tensor(dtype, {2, 70}, 6, 0, 200);
    OpTest("Abs").input(x).expect(x).run();
    OpTest("Sign").input(x).expect(map(x, [](double v) { return v > 0; })).run();
  }
  const TestTensor edges = i64({3}, {INT64_MIN, INT64_MAX, -1});
  OpTest("Abs").input(edges).expect(i64({3}, {INT64_MIN, INT64_MAX, 1})).run();
  OpTest("Neg").input(edges).expect(i64({3}, {INT64_MIN, -INT64_MAX, 1})).run();
}

TEST_CASE("attributes of activations", "[elementwise_unary]") {
  const TestTensor x = random_f32({2, 6, 3, 3}, 7, -5, 5);
  const double a = 0.25;
  const double b = 0.75;
  OpTest("LeakyRelu")
      .set("alpha", a)
      .input(x)
      .expect(map(x, [=](double v) { return v < 0 ? a * v : v; }))
      .run();
  OpTest("Elu")
      .set("alpha", a)
      .input(x)
      .expect(map(x, [=](double v) { return v < 0 ? a * std::expm1(v) : v; }))
      .run();
  OpTest("HardSigmoid")
      .set("alpha", a)
      .set("beta", b)
      .input(x)
      .expect(map(x, [=](double v) { return clamp(a * v + b, 0, 1); }))
      .run();
  OpTest("ThresholdedRelu")
      .set("alpha", a)
      .input(x)
      .expect(map(x, [=](double v) { return v > a ? v : 0; }))
      .run();
  OpTest("Gelu")
      .set("approximate", "tanh")
      .input(x)
      .expect(map(x,
                  [](double v) {
                    return 0.5 * v *
                           (1 +
                            std::tanh(std::sqrt(2 / std::acos(-1.0)) * (v + 0.044715 * v * v * v)));
                  }))
      .run();
  OpTest("Gelu").set("approximate", "sine").input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
}

TEST_CASE("Silu of the engine's own domain", "[elementwise_unary]") {
  const TestTensor x = random_f32({1, 7, 4, 5}, 8, -20, 20);
  OpTest("Silu", 1, "sardonyx")
      .input(x)
      .expect(map(x, [](double v) { return v * sigmoid(v); }))
      .run();
}

TEST_CASE("NaN stays and infinities have limits", "[elementwise_unary]") {
  const TestTensor x = f32({5}, {kNan, kInf, -kInf, 0.0f, kNan});
  const auto check = [&](const char* op, float at_inf, float at_minus_inf, float at_zero) {
    OpTest(op, 24).input(x).expect(f32({5}, {kNan, at_inf, at_minus_inf, at_zero, kNan})).run();
  };
  check("Relu", kInf, 0, 0);
  check("LeakyRelu", kInf, -kInf, 0);
  check("Sigmoid", 1, 0, 0.5f);
  check("Tanh", 1, -1, 0);
  check("Exp", kInf, 0, 1);
  check("Erf", 1, -1, 0);
  check("Elu", kInf, -1, 0);
  check("Softplus", kInf, 0, 0.69314718f);
  check("Gelu", kInf, 0, 0);
  check("Swish", kInf, 0, 0);
  check("HardSigmoid", 1, 0, 0.5f);
  check("Abs", kInf, kInf, 0);
  check("Reciprocal", 0, 0, kInf);
}

TEST_CASE("Round goes to even", "[elementwise_unary]") {
  OpTest("Round")
      .input(f32({6}, {0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 2.51f}))
      .expect(f32({6}, {0, 2, 2, 0, -2, 3}))
      .run();
}

TEST_CASE("unary operators refuse what they can not do", "[elementwise_unary]") {
  OpTest("Exp").input(i64({2}, {1, 2})).fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("Relu").input(bools({2}, {0, 1})).fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("Neg").input(random_tensor(DType::kUint8, {2}, 1)).fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("Tanh").fails(ErrorCode::GRAPH_INPUT_MISSING);
  OpTest("Tanh").input(f32({1}, {1})).input(f32({1}, {1})).fails(ErrorCode::MODEL_MALFORMED);
}

}  // namespace
}  // namespace sardonyx::test
