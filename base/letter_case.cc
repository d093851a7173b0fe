#include "base/letter_case.h"

#include <cstdint>

#include "base/utf8.h"

namespace sardonyx {
namespace {

// Lower-case letters [first, last], every `step`-th character; the upper-case ones lie `offset`
// before them.
struct Range {
  uint16_t first, last;
  uint8_t step;
  int16_t offset;
};

constexpr Range kRanges[] = {
    {'a', 'z', 1, 32},     {0xe0, 0xf6, 1, 32},   {0xf8, 0xfe, 1, 32},   {0xff, 0xff, 1, -121},
    {0x101, 0x12f, 2, 1},  {0x133, 0x137, 2, 1},  {0x13a, 0x148, 2, 1},  {0x14b, 0x177, 2, 1},
    {0x17a, 0x17e, 2, 1},  {0x3ac, 0x3ac, 1, 38}, {0x3ad, 0x3af, 1, 37}, {0x3b1, 0x3c1, 1, 32},
    {0x3c3, 0x3cb, 1, 32}, {0x430, 0x44f, 1, 32}, {0x450, 0x45f, 1, 80},
};

uint32_t with_case(uint32_t code, LetterCase wanted) {
  for (const Range& range : kRanges) {
    const uint32_t upper_offset = static_cast<uint32_t>(range.offset);
    const uint32_t lower = wanted == LetterCase::kUpper ? code : code + upper_offset;
    if (lower < range.first || lower > range.last || (lower - range.first) % range.step) continue;
    return wanted == LetterCase::kUpper ? code - upper_offset : lower;
  }
  return code;
}

// All letters above take at most two bytes.
void append(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
    return;
  }
  out += static_cast<char>(0xc0 | code >> 6);
  out += static_cast<char>(0x80 | (code & 0x3f));
}

}  // namespace

std::string with_case(std::string_view text, LetterCase wanted) {
  std::string out;
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    const auto first = static_cast<uint8_t>(text[0]);
    if (length == 1) {
      append(out, with_case(first, wanted));
    } else if (length == 2) {
      append(out,
             with_case((first & 0x1fu) << 6 | (static_cast<uint8_t>(text[1]) & 0x3fu), wanted));
    } else {
      out.append(text, 0, length ? length : 1);
    }
    text.remove_prefix(length ? length : 1);
  }
  return out;
}

}  // namespace sardonyx
