#include "ops/small_float.h"

#include <algorithm>
#include <cmath>

namespace sardonyx::ops {
namespace {

// A value is (-1)^sign * 2^(exponent - bias) * 1.mantissa; exponent 0 has no leading one.
struct Format {
  DType dtype;
  int mantissa_bits;
  int bias;
  uint8_t sign;      // the bit
  uint8_t largest;   // code of the largest finite value
  uint8_t overflow;  // code of what is beyond: infinity or NaN
  uint8_t nan;
  bool one_zero;  // the sign alone is not minus zero, but what is not a number
};
constexpr Format kFormats[] = {
    {DType::kFloat8E4M3FN, 3, 7, 0x80, 0x7e, 0x7f, 0x7f, false},
    {DType::kFloat8E4M3FNUZ, 3, 8, 0x80, 0x7f, 0x80, 0x80, true},
    {DType::kFloat8E5M2, 2, 15, 0x80, 0x7b, 0x7c, 0x7e, false},
    {DType::kFloat8E5M2FNUZ, 2, 16, 0x80, 0x7f, 0x80, 0x80, true},
    {DType::kFloat4E2M1, 1, 1, 0x08, 0x07, 0x07, 0x08, false},
};
constexpr int kScaleBias = 127;  // of float8e8m0, which is 2^(code - bias)
constexpr uint8_t kScaleNan = 0xff;

const Format* format_of(DType dtype) {
  for (const Format& format : kFormats) {
    if (format.dtype == dtype) return &format;
  }
  return nullptr;
}

uint8_t to_scale(float value, const SmallFloatRules& rules) {
  using Scale = SmallFloatRules::Scale;
  const float magnitude = std::fabs(value);
  if (std::isnan(magnitude)) return kScaleNan;
  if (std::isinf(magnitude)) return rules.saturate ? kScaleNan - 1 : kScaleNan;
  if (magnitude == 0) return 0;
  int exponent = 0;
  const float fraction = std::frexp(magnitude, &exponent);  // in [0.5, 1)
  int code = exponent - 1 + kScaleBias;
  const bool up = rules.scale == Scale::kUp        ? fraction > 0.5f
                  : rules.scale == Scale::kNearest ? fraction >= 0.75f
                                                   : false;
  if (up) ++code;
  if (code < 0) return 0;
  if (code >= kScaleNan) return rules.saturate ? kScaleNan - 1 : kScaleNan;
  return static_cast<uint8_t>(code);
}

}  // namespace

bool is_small_float(DType dtype) {
  return dtype == DType::kFloat8E8M0 || format_of(dtype);
}

uint8_t to_small_float(DType dtype, float value, const SmallFloatRules& rules) {
  const Format* format = format_of(dtype);
  if (!format) return to_scale(value, rules);
  const bool negative = std::signbit(value);
  const auto sign = static_cast<uint8_t>(negative ? format->sign : 0);
  if (std::isnan(value)) {
    return format->one_zero ? format->nan : static_cast<uint8_t>(format->nan | sign);
  }
  const float magnitude = std::fabs(value);
  int code = format->largest + 1;
  if (!std::isinf(magnitude)) {
    const int exponent =
        magnitude == 0 ? 1 - format->bias : std::max(std::ilogb(magnitude), 1 - format->bias);
    // Multiples of the last mantissa bit, ties to even; a carry moves into the exponent.
    const float steps = std::nearbyint(std::ldexp(magnitude, format->mantissa_bits - exponent));
    const int unbiased = exponent + format->bias - 1;
    if (unbiased < 0x80) code = (unbiased << format->mantissa_bits) + static_cast<int>(steps);
  }
  if (code > format->largest) {
    if (!rules.saturate && format->one_zero) return format->nan;
    code = rules.saturate ? format->largest : format->overflow;
  }
  if (code == 0 && format->one_zero) return 0;
  return static_cast<uint8_t>(code | sign);
}

float from_small_float(DType dtype, uint8_t code) {
  const Format* format = format_of(dtype);
  if (!format) return code == kScaleNan ? NAN : std::ldexp(1.0f, code - kScaleBias);
  const int magnitude = code & (format->sign - 1);
  const float sign = code & format->sign ? -1.0f : 1.0f;
  if (format->one_zero && code == format->sign) return -NAN;
  if (magnitude > format->largest) {
    return magnitude == format->overflow && format->overflow != format->nan ? sign * HUGE_VALF
                                                                            : NAN;
  }
  const int exponent = magnitude >> format->mantissa_bits;
  const int one = 1 << format->mantissa_bits;
  const int mantissa = magnitude & (one - 1);
  const int steps = exponent == 0 ? mantissa : mantissa + one;
  const int scale = std::max(exponent, 1) - format->bias - format->mantissa_bits;
  return sign * std::ldexp(static_cast<float>(steps), scale);
}

}  // namespace sardonyx::ops
