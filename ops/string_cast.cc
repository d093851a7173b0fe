#include "ops/string_cast.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "base/decimal.h"
#include "ops/convert.h"

namespace sardonyx::ops {
namespace {

std::string write_float(double value, bool is_double) {
  if (std::isnan(value)) return "NaN";
  const std::string sign = std::signbit(value) ? "-" : "";
  if (std::isinf(value)) return sign + "INF";
  const Decimal exact(value);
  for (int digits = is_double ? 15 : 6;; ++digits) {
    const std::string text = exact.text(digits);
    const Decimal read = *Decimal::parse(text);
    const double again = is_double ? read.to_double() : double{read.to_float()};
    if (again == std::fabs(value) || digits >= 17) return sign + text;
  }
}

std::string write_number(DType dtype, const void* number) {
  const DType computed = compute_dtype(dtype);
  if (computed == DType::kUint64) return std::to_string(*static_cast<const uint64_t*>(number));
  if (computed == DType::kInt64) {
    int64_t value = 0;
    convert(DType::kInt64, &value, dtype, number, 1, 1);
    return std::to_string(value);
  }
  double value = 0;
  convert(DType::kFloat64, &value, dtype, number, 1, 1);
  return write_float(value, dtype == DType::kFloat64);
}

// What the words for no number stand for; nullopt for other texts.
std::optional<double> read_word(std::string text) {
  for (char& c : text) c |= 0x20;
  if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (text == "inf" || text == "infinity") return std::numeric_limits<double>::infinity();
  return std::nullopt;
}

int64_t to_signed(uint64_t magnitude, bool negative) {
  constexpr uint64_t kMax = INT64_MAX;
  if (negative) return magnitude > kMax ? INT64_MIN : -static_cast<int64_t>(magnitude);
  return static_cast<int64_t>(std::min(magnitude, kMax));
}

// Numbers of any notation; what an integer can not hold becomes the nearest that it can.
bool read_number(std::string_view text, DType dtype, void* number) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\n\v\f\r"), text.size()));
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const DType computed = compute_dtype(dtype);
  const auto decimal = Decimal::parse(text);
  if (decimal && decimal->is_integer() && computed == DType::kInt64) {
    const int64_t value = to_signed(decimal->to_integer(), negative);
    convert(dtype, number, DType::kInt64, &value, 1, 1);
    return true;
  }
  if (decimal && decimal->is_integer() && computed == DType::kUint64 && !negative) {
    const uint64_t value = decimal->to_integer();
    convert(dtype, number, DType::kUint64, &value, 1, 1);
    return true;
  }
  double value = 0;
  if (decimal) {
    value = computed == DType::kFloat32 ? double{decimal->to_float()} : decimal->to_double();
  } else if (const auto word = read_word(std::string(text))) {
    value = *word;
  } else {
    return false;
  }
  if (negative) value = -value;
  convert(dtype, number, DType::kFloat64, &value, 1, 1);
  return true;
}

}  // namespace

Status numbers_to_strings(const TensorView& numbers, const TensorView& strings, ValueHeap& heap) {
  const auto width = static_cast<size_t>(dtype_bits(numbers.dtype)) / 8;
  for (int64_t i = 0; i < strings.elements(); ++i) {
    const std::string text =
        write_number(numbers.dtype, numbers.as<const uint8_t>() + static_cast<size_t>(i) * width);
    SX_ASSIGN(strings.as<StringRef>()[i], heap.copy(text));
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
