#include "ops/string_cast.h"

#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "ops/convert.h"

namespace sardonyx::ops {
namespace {

// Longest: "-1.7976931348623157e+308".
constexpr int kMaxText = 32;

int write_float(double value, bool is_double, char* text) {
  if (std::isnan(value)) return std::snprintf(text, kMaxText, "NaN");
  if (std::isinf(value)) return std::snprintf(text, kMaxText, value < 0 ? "-INF" : "INF");
  for (int digits = is_double ? 15 : 6;; ++digits) {
    const int length = std::snprintf(text, kMaxText, "%.*g", digits, value);
    const bool same = is_double ? std::strtod(text, nullptr) == value
                                : double{std::strtof(text, nullptr)} == value;
    if (same || digits >= 17) return length;
  }
}

int write_number(DType dtype, const void* number, char* text) {
  const DType computed = compute_dtype(dtype);
  if (computed == DType::kUint64) {
    return std::snprintf(text, kMaxText, "%" PRIu64, *static_cast<const uint64_t*>(number));
  }
  if (computed == DType::kInt64) {
    int64_t value = 0;
    convert(DType::kInt64, &value, dtype, number, 1, 1);
    return std::snprintf(text, kMaxText, "%" PRId64, value);
  }
  double value = 0;
  convert(DType::kFloat64, &value, dtype, number, 1, 1);
  return write_float(value, dtype == DType::kFloat64, text);
}

// Whether the whole text is a number, and not one of C's other notations.
bool is_whole(const std::string& text, const char* end) {
  return !text.empty() && *end == 0 && text.find_first_of("xX(") == std::string::npos;
}

bool read_number(const std::string& text, DType dtype, void* number) {
  char* end = nullptr;
  const DType computed = compute_dtype(dtype);
  if (computed == DType::kInt64) {
    const int64_t value = std::strtoll(text.c_str(), &end, 10);
    if (is_whole(text, end)) {
      convert(dtype, number, DType::kInt64, &value, 1, 1);
      return true;
    }
  }
  if (computed == DType::kUint64 && text.find('-') == std::string::npos) {
    const uint64_t value = std::strtoull(text.c_str(), &end, 10);
    if (is_whole(text, end)) {
      convert(dtype, number, DType::kUint64, &value, 1, 1);
      return true;
    }
  }
  const double value = computed == DType::kFloat32 ? double{std::strtof(text.c_str(), &end)}
                                                   : std::strtod(text.c_str(), &end);
  if (!is_whole(text, end)) return false;
  convert(dtype, number, DType::kFloat64, &value, 1, 1);
  return true;
}

}  // namespace

Status numbers_to_strings(const TensorView& numbers, const TensorView& strings, ValueHeap& heap) {
  const auto width = static_cast<size_t>(dtype_bits(numbers.dtype)) / 8;
  for (int64_t i = 0; i < strings.elements(); ++i) {
    char text[kMaxText];
    const int length = write_number(
        numbers.dtype, numbers.as<const uint8_t>() + static_cast<size_t>(i) * width, text);
    SX_ASSIGN(strings.as<StringRef>()[i], heap.copy({text, static_cast<size_t>(length)}));
  }
  return {};
}

Status strings_to_numbers(const TensorView& strings, const TensorView& numbers) {
  const auto width = static_cast<size_t>(dtype_bits(numbers.dtype)) / 8;
  for (int64_t i = 0; i < strings.elements(); ++i) {
    const std::string text(strings.as<const StringRef>()[i].view());
    if (!read_number(text, numbers.dtype, numbers.as<uint8_t>() + static_cast<size_t>(i) * width)) {
      return error(ErrorCode::VALUE_RANGE, "'%.100s' is not a number", text.c_str());
    }
  }
  return {};
}

}  // namespace sardonyx::ops
