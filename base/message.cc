#include "base/message.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/decimal.h"

namespace sardonyx {
namespace {

// Digits of "%g".
constexpr int kFloatDigits = 6;

struct Conversion {
  char type = 0;
  bool is_64_bit = false;
  size_t precision = SIZE_MAX;
};

// Reads what is behind a '%'.
Conversion read_conversion(const char*& at) {
  Conversion out;
  if (*at == '.') {
    out.precision = 0;
    for (++at; *at >= '0' && *at <= '9'; ++at) {
      out.precision = out.precision * 10 + static_cast<size_t>(*at - '0');
    }
  }
  const bool size = *at == 'z';
  int longs = 0;
  for (; *at == 'l' || *at == 'z'; ++at) longs += *at == 'l';
  out.is_64_bit = longs == 2 || (longs == 1 && sizeof(long) == 8) || (size && sizeof(size_t) == 8);
  out.type = *at;
  if (*at) ++at;
  return out;
}

std::string hex(uint64_t value) {
  std::string text;
  do {
    text.insert(text.begin(), "0123456789abcdef"[value & 15]);
    value >>= 4;
  } while (value > 0);
  return text;
}

std::string number(double value) {
  if (std::isnan(value)) return "nan";
  const std::string sign = std::signbit(value) ? "-" : "";
  return sign + (std::isinf(value) ? "inf" : Decimal(value).text(kFloatDigits));
}

}  // namespace

std::string format_message(const char* format, va_list args, size_t limit) {
  std::string text;
  while (*format && text.size() < limit) {
    if (*format != '%') {
      text += *format++;
      continue;
    }
    const Conversion conversion = read_conversion(++format);
    switch (conversion.type) {
      case 's': {
        const char* from = va_arg(args, const char*);
        text.append(from, strnlen(from, std::min(conversion.precision, limit)));
        break;
      }
      case 'c':
        text += static_cast<char>(va_arg(args, int));
        break;
      case 'd':
        text += std::to_string(conversion.is_64_bit ? va_arg(args, int64_t) : va_arg(args, int));
        break;
      case 'u':
      case 'x': {
        const uint64_t value =
            conversion.is_64_bit ? va_arg(args, uint64_t) : va_arg(args, unsigned);
        text += conversion.type == 'u' ? std::to_string(value) : hex(value);
        break;
      }
      case 'g':
        text += number(va_arg(args, double));
        break;
      default:
        text += '%';
    }
  }
  if (text.size() > limit) text.resize(limit);
  return text;
}

}  // namespace sardonyx
