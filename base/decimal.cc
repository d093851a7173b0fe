#include "base/decimal.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace sardonyx {
namespace {

// Of 2, in one step: 9 · 2^59 and a carry fit 64 bits.
constexpr int kMaxPower = 59;
// An exponent that no number of a text can make up for.
constexpr int64_t kMaxExponent = int64_t{1} << 40;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// What follows an "e"; nullopt unless it is a whole number.
std::optional<int64_t> parse_exponent(std::string_view text) {
  const bool negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  int64_t value = 0;
  for (char c : text) {
    if (!is_digit(c)) return std::nullopt;
    value = std::min(value * 10 + (c - '0'), kMaxExponent);
  }
  return negative ? -value : value;
}

}  // namespace

std::optional<Decimal> Decimal::parse(std::string_view text) {
  Decimal out;
  bool any = false;
  bool behind_point = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '.' && !behind_point) {
      behind_point = true;
    } else if (is_digit(c)) {
      any = true;
      const bool leading_zero = c == '0' && out.count_ == 0;
      if (leading_zero) {
        out.point_ -= behind_point;
        continue;
      }
      out.point_ += !behind_point;
      if (out.count_ < kMaxDigits) {
        out.digits_[out.count_++] = static_cast<uint8_t>(c - '0');
      } else {
        out.cut_ = out.cut_ || c != '0';
      }
    } else if (any && (c == 'e' || c == 'E')) {
      const auto exponent = parse_exponent(text.substr(i + 1));
      if (!exponent) return std::nullopt;
      out.point_ += *exponent;
      break;
    } else {
      return std::nullopt;
    }
  }
  if (!any) return std::nullopt;
  out.trim();
  return out;
}

Decimal::Decimal(double value) {
  const uint64_t bits = std::bit_cast<uint64_t>(value);
  const auto exponent = static_cast<int>(bits >> 52 & 0x7ff);
  uint64_t mantissa = bits & ((uint64_t{1} << 52) - 1);
  if (exponent > 0) mantissa |= uint64_t{1} << 52;
  uint8_t reversed[20];
  for (; mantissa > 0; mantissa /= 10) {
    reversed[count_++] = static_cast<uint8_t>(mantissa % 10);
  }
  std::reverse_copy(reversed, reversed + count_, digits_);
  point_ = count_;
  trim();
  multiply_by_power_of_2(std::max(exponent, 1) - 1075);
}

double Decimal::to_double() const {
  return std::bit_cast<double>(bits(52, 11));
}

float Decimal::to_float() const {
  return std::bit_cast<float>(static_cast<uint32_t>(bits(23, 8)));
}

uint64_t Decimal::bits(int mantissa_bits, int exponent_bits) const {
  const int64_t last = (int64_t{1} << exponent_bits) - 1;
  const int64_t bias = last >> 1;
  const uint64_t infinity = static_cast<uint64_t>(last) << mantissa_bits;
  if (count_ == 0 || point_ < -400) return 0;
  if (point_ > 400) return infinity;
  // The number is scaled · 2^exponent, scaled in [1, 2).
  Decimal scaled = *this;
  int64_t exponent = 0;
  const auto scale = [&](int64_t power) {
    scaled.multiply_by_power_of_2(power);
    exponent -= power;
  };
  // Three bits are less than a digit.
  while (scaled.point_ > 1) scale(-3 * (scaled.point_ - 1));
  while (scaled.point_ < 1) scale(3 * (1 - scaled.point_));
  while (scaled.digits_[0] >= 2) scale(-1);
  const int64_t smallest = 1 - bias;
  if (exponent < smallest) scale(exponent - smallest);
  scaled.multiply_by_power_of_2(mantissa_bits);
  uint64_t mantissa = scaled.to_integer();
  if (mantissa >> (mantissa_bits + 1)) {
    mantissa >>= 1;
    ++exponent;
  }
  if (exponent > bias) return infinity;
  // Subnormal numbers have the exponent of the smallest normal one, and no bit in front.
  const bool normal = mantissa >> mantissa_bits;
  const uint64_t biased = normal ? static_cast<uint64_t>(exponent + bias) : 0;
  return biased << mantissa_bits | (mantissa & ((uint64_t{1} << mantissa_bits) - 1));
}

uint64_t Decimal::to_integer() const {
  uint64_t value = 0;
  for (int64_t i = 0; i < point_; ++i) {
    const uint64_t digit = i < count_ ? digits_[i] : 0;
    if (__builtin_mul_overflow(value, uint64_t{10}, &value) ||
        __builtin_add_overflow(value, digit, &value)) {
      return UINT64_MAX;
    }
    if (value == 0) return 0;
  }
  return value < UINT64_MAX && rounds_up(point_) ? value + 1 : value;
}

std::string Decimal::text(int digits) const {
  if (count_ == 0) return "0";
  Decimal rounded = *this;
  rounded.round(digits);
  std::string all;
  for (int i = 0; i < rounded.count_; ++i) all += static_cast<char>('0' + rounded.digits_[i]);
  const int64_t exponent = rounded.point_ - 1;
  if (exponent < -4 || exponent >= digits) {
    if (all.size() > 1) all.insert(1, ".");
    const std::string power = std::to_string(exponent < 0 ? -exponent : exponent);
    return all + (exponent < 0 ? "e-" : "e+") + (power.size() < 2 ? "0" : "") + power;
  }
  if (exponent < 0) return "0." + std::string(static_cast<size_t>(-rounded.point_), '0') + all;
  const auto whole = static_cast<size_t>(rounded.point_);
  if (all.size() <= whole) return all + std::string(whole - all.size(), '0');
  return all.insert(whole, ".");
}

void Decimal::multiply_by_power_of_2(int64_t power) {
  while (power != 0 && count_ > 0) {
    const int64_t step = std::clamp<int64_t>(power, -kMaxPower, kMaxPower);
    if (step > 0) {
      shift_left(static_cast<int>(step));
    } else {
      shift_right(static_cast<int>(-step));
    }
    power -= step;
  }
}

void Decimal::shift_left(int power) {
  uint8_t product[kMaxDigits + 20];
  int first = count_ + 20;
  uint64_t carry = 0;
  for (int i = count_ - 1; i >= 0 || carry > 0; --i) {
    if (i >= 0) carry += uint64_t{digits_[i]} << power;
    product[--first] = static_cast<uint8_t>(carry % 10);
    carry /= 10;
  }
  const int made = count_ + 20 - first;
  point_ += made - count_;
  count_ = std::min(made, kMaxDigits);
  std::memcpy(digits_, product + first, static_cast<size_t>(count_));
  cut_ = cut_ || std::any_of(product + first + count_, product + first + made,
                             [](uint8_t digit) { return digit > 0; });
  trim();
}

void Decimal::shift_right(int power) {
  const uint64_t mask = (uint64_t{1} << power) - 1;
  uint64_t rest = 0;
  int read = 0;
  int written = 0;
  // Long division by 2^power. Quotients are written no further than digits have been read.
  uint8_t quotient[kMaxDigits];
  for (; read < count_ || rest > 0; ++read) {
    rest = rest * 10 + (read < count_ ? digits_[read] : 0);
    const auto digit = static_cast<uint8_t>(rest >> power);
    rest &= mask;
    if (written == 0 && digit == 0) {
      --point_;
    } else if (written < kMaxDigits) {
      quotient[written++] = digit;
    } else {
      cut_ = cut_ || digit > 0 || rest > 0;
      if (read >= count_) break;
    }
  }
  count_ = written;
  std::memcpy(digits_, quotient, static_cast<size_t>(written));
  trim();
}

// Whether the first `digits` of the number become one more when the others go.
bool Decimal::rounds_up(int64_t digits) const {
  if (digits < 0 || digits >= count_) return false;
  const bool half = digits_[digits] == 5 && digits + 1 == count_ && !cut_;
  if (half) return digits > 0 && digits_[digits - 1] % 2 == 1;
  return digits_[digits] >= 5;
}

void Decimal::round(int digits) {
  if (digits >= count_) return;
  const bool up = rounds_up(digits);
  count_ = digits;
  if (up) {
    while (count_ > 0 && digits_[count_ - 1] == 9) --count_;
    if (count_ == 0) {
      digits_[count_++] = 1;
      ++point_;
    } else {
      ++digits_[count_ - 1];
    }
  }
  trim();
}

void Decimal::trim() {
  while (count_ > 0 && digits_[count_ - 1] == 0) --count_;
  if (count_ == 0 && !cut_) point_ = 0;
}

}  // namespace sardonyx
