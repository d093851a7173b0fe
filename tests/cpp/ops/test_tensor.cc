#include <algorithm>
#include <bit>
#include <cmath>
#include <deque>
#include <random>
#include <sstream>

#include <catch2/catch_test_macros.hpp>
#include "base/string_ref.h"
#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

template <typename T>
T read(const TestTensor& tensor, int64_t i) {
  T value;
  std::memcpy(&value, tensor.bytes.data() + static_cast<size_t>(i) * sizeof(T), sizeof(T));
  return value;
}

template <typename T>
void write(TestTensor& tensor, int64_t i, T value) {
  std::memcpy(tensor.bytes.data() + static_cast<size_t>(i) * sizeof(T), &value, sizeof(T));
}

double half_to_double(uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int mantissa = bits & 1023;
  double value = 0;
  if (exponent == 31) {
    value = mantissa ? NAN : INFINITY;
  } else if (exponent == 0) {
    value = std::ldexp(mantissa, -24);
  } else {
    value = std::ldexp(mantissa + 1024, exponent - 25);
  }
  return bits & 0x8000 ? -value : value;
}

uint16_t double_to_half(double value) {
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const double magnitude = std::fabs(value);
  if (std::isnan(value)) return 0x7e00;
  if (magnitude >= 65520) return static_cast<uint16_t>(sign | 0x7c00);
  uint16_t best = 0;  // the halves of one sign are ordered like their bits
  for (uint16_t step = 0x4000; step; step = static_cast<uint16_t>(step >> 1)) {
    const uint16_t candidate = static_cast<uint16_t>(best | step);
    if (candidate < 0x7c00 && half_to_double(candidate) <= magnitude) best = candidate;
  }
  return static_cast<uint16_t>(sign | best);
}

double uniform(std::mt19937& generator, double low, double high) {
  return low + (high - low) * (static_cast<double>(generator()) / 4294967295.0);
}

bool close(double a, double b, double relative, double absolute) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (std::isinf(a) || std::isinf(b)) return a == b;
  return std::fabs(a - b) <= absolute + relative * std::fabs(b);
}

bool is_float(DType dtype) {
  return dtype == DType::kFloat32 || dtype == DType::kFloat64 || dtype == DType::kFloat16 ||
         dtype == DType::kBfloat16;
}

}  // namespace

TestTensor make_tensor(DType dtype, const Shape& shape) {
  TestTensor out;
  out.dtype = dtype;
  out.shape = shape;
  out.bytes.resize(storage_bytes(dtype, shape, Layout::kRowMajor).value_or(0));
  return out;
}

TestTensor bools(const Shape& shape, const std::vector<int>& values) {
  TestTensor out = make_tensor(DType::kBool, shape);
  for (size_t i = 0; i < out.bytes.size() && i < values.size(); ++i) out.bytes[i] = values[i] != 0;
  return out;
}

TestTensor payload(DType dtype, const Shape& shape, const std::vector<uint8_t>& bytes) {
  TestTensor out = make_tensor(dtype, shape);
  std::copy_n(bytes.begin(), std::min(bytes.size(), out.bytes.size()), out.bytes.begin());
  return out;
}

double element(const TestTensor& tensor, int64_t i) {
  switch (tensor.dtype) {
    case DType::kFloat32:
      return read<float>(tensor, i);
    case DType::kFloat64:
      return read<double>(tensor, i);
    case DType::kFloat16:
      return half_to_double(read<uint16_t>(tensor, i));
    case DType::kBfloat16:
      return std::bit_cast<float>(uint32_t{read<uint16_t>(tensor, i)} << 16);
    case DType::kInt8:
      return read<int8_t>(tensor, i);
    case DType::kUint8:
      return read<uint8_t>(tensor, i);
    case DType::kBool:
      return read<uint8_t>(tensor, i);
    case DType::kInt16:
      return read<int16_t>(tensor, i);
    case DType::kUint16:
      return read<uint16_t>(tensor, i);
    case DType::kInt32:
      return read<int32_t>(tensor, i);
    case DType::kUint32:
      return read<uint32_t>(tensor, i);
    case DType::kInt64:
      return static_cast<double>(read<int64_t>(tensor, i));
    case DType::kUint64:
      return static_cast<double>(read<uint64_t>(tensor, i));
    default:
      return NAN;
  }
}

void set_element(TestTensor& tensor, int64_t i, double value) {
  const int64_t whole = std::fabs(value) < 0x1p63 ? static_cast<int64_t>(value) : 0;
  switch (tensor.dtype) {
    case DType::kFloat32:
      return write(tensor, i, static_cast<float>(value));
    case DType::kFloat64:
      return write(tensor, i, value);
    case DType::kFloat16:
      return write(tensor, i, double_to_half(value));
    case DType::kBfloat16:
      return write(tensor, i,
                   static_cast<uint16_t>(std::bit_cast<uint32_t>(static_cast<float>(value)) >> 16));
    case DType::kBool:
      return write<uint8_t>(tensor, i, value != 0);
    case DType::kInt8:
    case DType::kUint8:
      return write(tensor, i, static_cast<uint8_t>(whole));
    case DType::kInt16:
    case DType::kUint16:
      return write(tensor, i, static_cast<uint16_t>(whole));
    case DType::kInt32:
    case DType::kUint32:
      return write(tensor, i, static_cast<uint32_t>(whole));
    case DType::kInt64:
      return write(tensor, i, whole);
    case DType::kUint64:
      return write(tensor, i, static_cast<uint64_t>(whole));
    default:
      return;
  }
}

TestTensor random_tensor(DType dtype, const Shape& shape, uint32_t seed, double low, double high) {
  TestTensor out = make_tensor(dtype, shape);
  std::mt19937 generator(seed);
  for (int64_t i = 0; i < out.size(); ++i) {
    double value = uniform(generator, low, high);
    if (dtype == DType::kBool) value = static_cast<double>(generator() & 1);
    if (!is_float(dtype)) value = std::floor(value + 0.5);
    set_element(out, i, value);
  }
  return out;
}

std::vector<uint8_t> pack_nc4hw4(const TestTensor& tensor) {
  const size_t width = static_cast<size_t>(dtype_bits(tensor.dtype)) / 8;
  const int64_t channels = tensor.shape[1];
  const int64_t blocks = (channels + 3) / 4;
  const int64_t area = tensor.shape.product(2, tensor.shape.rank());
  std::vector<uint8_t> out(static_cast<size_t>(tensor.shape[0] * blocks * area * 4) * width, 0xff);
  for (int64_t n = 0; n < tensor.shape[0]; ++n) {
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t i = 0; i < area; ++i) {
        const int64_t from = (n * channels + c) * area + i;
        const int64_t to = ((n * blocks + c / 4) * area + i) * 4 + c % 4;
        std::copy_n(
            tensor.bytes.begin() + static_cast<ptrdiff_t>(from) * static_cast<ptrdiff_t>(width),
            width, out.begin() + static_cast<ptrdiff_t>(to) * static_cast<ptrdiff_t>(width));
      }
    }
  }
  return out;
}

TestTensor unpack_nc4hw4(DType dtype, const Shape& shape, const uint8_t* data) {
  TestTensor out = make_tensor(dtype, shape);
  const size_t width = static_cast<size_t>(dtype_bits(dtype)) / 8;
  const int64_t blocks = (shape[1] + 3) / 4;
  const int64_t area = shape.product(2, shape.rank());
  for (int64_t n = 0; n < shape[0]; ++n) {
    for (int64_t c = 0; c < shape[1]; ++c) {
      for (int64_t i = 0; i < area; ++i) {
        const auto to = static_cast<size_t>((n * shape[1] + c) * area + i) * width;
        const auto from =
            static_cast<size_t>(((n * blocks + c / 4) * area + i) * 4 + c % 4) * width;
        std::memcpy(out.bytes.data() + to, data + from, width);
      }
    }
  }
  return out;
}

TestTensor strings(const Shape& shape, const std::vector<std::string>& values) {
  static std::deque<std::string> texts;
  std::vector<StringRef> refs;
  for (const std::string& value : values) {
    texts.push_back(value);
    refs.push_back({texts.back().data(), static_cast<uint32_t>(value.size())});
  }
  return tensor(shape, refs);
}

void check_close(const TestTensor& actual, const TestTensor& expected, double relative,
                 double absolute) {
  std::ostringstream problem;
  if (actual.dtype != expected.dtype) {
    problem << "dtype " << dtype_name(actual.dtype) << ", expected " << dtype_name(expected.dtype);
  } else if (!(actual.shape == expected.shape)) {
    problem << "shape " << actual.shape.to_string() << ", expected " << expected.shape.to_string();
  } else if (actual.dtype == DType::kString) {
    for (int64_t i = 0; i < expected.size() && problem.str().empty(); ++i) {
      const std::string_view a = actual.as<StringRef>()[i].view();
      const std::string_view b = expected.as<StringRef>()[i].view();
      if (a != b) problem << "element " << i << " is '" << a << "', expected '" << b << "'";
    }
  } else if (!is_float(actual.dtype)) {
    for (size_t i = 0; i < expected.bytes.size() && problem.str().empty(); ++i) {
      if (actual.bytes[i] == expected.bytes[i]) continue;
      const auto index =
          static_cast<int64_t>(i * 8 / static_cast<size_t>(dtype_bits(actual.dtype)));
      problem << "element " << index << " of " << expected.size() << " is "
              << element(actual, index) << ", expected " << element(expected, index);
    }
  } else {
    int64_t wrong = 0;
    for (int64_t i = 0; i < expected.size(); ++i) {
      if (close(element(actual, i), element(expected, i), relative, absolute)) continue;
      if (wrong++ == 0) {
        problem << "element " << i << " of " << expected.size() << " is " << element(actual, i)
                << ", expected " << element(expected, i);
      }
    }
    if (wrong > 1) problem << " (and " << wrong - 1 << " more differ)";
  }
  CHECK(problem.str() == "");
}

}  // namespace sardonyx::test
