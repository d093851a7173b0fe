// Decimal text of floating-point numbers and back, exactly rounded: what strtod() and "%.*g" do,
// without the long doubles that these bring along.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sardonyx {

// A number that is not negative: 0.d₁d₂d₃… · 10^point. It holds every float64 exactly; of texts
// with more digits it knows that something follows.
class Decimal {
 public:
  // Digits with at most one point, and an exponent: "12", ".5", "1.5e-3". Nullopt for all else.
  static std::optional<Decimal> parse(std::string_view text);
  // Of a finite number, without its sign.
  explicit Decimal(double value);

  // The nearest, ties to even; infinite where the number is too large.
  double to_double() const;
  float to_float() const;

  bool is_integer() const { return !cut_ && count_ <= point_; }
  // Rounded; UINT64_MAX where the number is larger.
  uint64_t to_integer() const;

  // As "%.*g" writes it; at least one digit.
  std::string text(int digits) const;

 private:
  Decimal() = default;

  // IEEE 754 bits of the nearest number.
  uint64_t bits(int mantissa_bits, int exponent_bits) const;
  void multiply_by_power_of_2(int64_t power);
  void shift_left(int power);
  void shift_right(int power);
  bool rounds_up(int64_t digits) const;
  void round(int digits);
  void trim();

  // A float64 has up to 767 digits.
  static constexpr int kMaxDigits = 800;

  uint8_t digits_[kMaxDigits] = {};
  int count_ = 0;  // of digits, the last one not 0
  int64_t point_ = 0;
  bool cut_ = false;  // more digits follow, not all 0
};

}  // namespace sardonyx
