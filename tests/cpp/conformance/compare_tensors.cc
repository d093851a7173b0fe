#include "tests/cpp/conformance/compare_tensors.h"

#include <cmath>
#include <cstring>
#include <vector>

#include "base/string_ref.h"
#include "ops/convert.h"
#include "ops/small_float.h"

namespace sardonyx::test {
namespace {

struct Tolerance {
  double relative, absolute;
};

Tolerance tolerance_of(DType dtype) {
  if (dtype == DType::kFloat16) return {1e-2, 1e-3};
  if (dtype == DType::kBfloat16) return {2e-2, 1e-2};
  return {1e-3, 1e-5};
}

std::string differ(int64_t index, double actual, double expected) {
  return "element " + std::to_string(index) + " is " + std::to_string(actual) + ", expected " +
         std::to_string(expected);
}

std::string compare_floats(const std::vector<double>& actual, const std::vector<double>& expected,
                           Tolerance tolerance) {
  for (size_t i = 0; i < expected.size(); ++i) {
    const double a = actual[i], b = expected[i];
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    const double allowed = tolerance.absolute + tolerance.relative * std::fabs(b);
    if (!(std::fabs(a - b) <= allowed)) return differ(static_cast<int64_t>(i), a, b);
  }
  return {};
}

bool is_float(DType dtype) {
  return dtype == DType::kFloat32 || dtype == DType::kFloat64 || dtype == DType::kFloat16 ||
         dtype == DType::kBfloat16;
}

std::vector<double> doubles(const TensorView& view) {
  std::vector<double> values(static_cast<size_t>(view.elements()));
  ops::convert(DType::kFloat64, values.data(), view.dtype, view.data, 1, view.elements());
  return values;
}

template <typename T>
std::vector<double> parts(const TensorView& view) {
  const T* data = view.as<T>();
  return {data, data + 2 * view.elements()};
}

std::string compare_strings(const TensorView& actual, const TensorView& expected) {
  for (int64_t i = 0; i < expected.elements(); ++i) {
    const std::string a(actual.as<StringRef>()[i].view()), b(expected.as<StringRef>()[i].view());
    if (a != b) return "element " + std::to_string(i) + " is '" + a + "', expected '" + b + "'";
  }
  return {};
}

}  // namespace

std::string difference(const TensorView& actual, const TensorView& expected) {
  if (actual.dtype != expected.dtype) {
    return "dtype is " + std::string(dtype_name(actual.dtype)) + ", expected " +
           std::string(dtype_name(expected.dtype));
  }
  if (!(actual.shape == expected.shape)) {
    return "shape is " + actual.shape.to_string() + ", expected " + expected.shape.to_string();
  }
  if (expected.elements() == 0) return {};
  if (is_float(expected.dtype)) {
    return compare_floats(doubles(actual), doubles(expected), tolerance_of(expected.dtype));
  }
  if (ops::is_small_float(expected.dtype)) {
    return compare_floats(doubles(actual), doubles(expected), {0, 0});
  }
  if (expected.dtype == DType::kComplex64) {
    return compare_floats(parts<float>(actual), parts<float>(expected), {1e-3, 1e-5});
  }
  if (expected.dtype == DType::kComplex128) {
    return compare_floats(parts<double>(actual), parts<double>(expected), {1e-3, 1e-5});
  }
  if (expected.dtype == DType::kString) return compare_strings(actual, expected);
  if (std::memcmp(actual.data, expected.data, expected.bytes()) == 0) return {};
  if (ops::compute_dtype(expected.dtype) == DType::kUndefined) return "bits differ";
  const std::vector<double> a = doubles(actual), b = doubles(expected);
  for (size_t i = 0; i < b.size(); ++i) {
    if (a[i] != b[i]) return differ(static_cast<int64_t>(i), a[i], b[i]);
  }
  return "elements differ";
}

}  // namespace sardonyx::test
