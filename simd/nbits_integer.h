// Products of rows that are rounded to int8 and columns of packed 4-bit integers with a scale and
// a zero point per block of K.
//
// Every 32 elements of a row have a scale of their own, so that their sums stay in 16-bit lanes:
// eight times two products of an int8 in [-127, 127] and a number in [0, 15] are at most 30,480.
// Sums are exact and the same in all modules; they become floats per 32 elements.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "simd/nbits_dot.h"

namespace sardonyx::simd {

inline constexpr int64_t kRoundedGroup = 32;  // elements of a row with one scale
inline constexpr int64_t kRoundedTile = 4;    // rows that are multiplied together
inline constexpr int64_t kNBitsColumns = 8;   // columns of one call

// Whether format.block is whole groups of 4-bit integers.
bool is_taken_by_integers(const NBitsFormat& format);

// Rows that were rounded: a row alone, or tiles of kRoundedTile rows, filled up with zeros.
//
// In 32 elements those with even places come first. A row is `elements()` long: whole blocks.
struct RoundedRows {
  int64_t count = 0;
  int8_t* bytes = nullptr;  // [tile][K / 4][row][4]
  float* scales = nullptr;  // [tile][group][row]
  float* sums = nullptr;    // [tile][block][row], of what the bytes stand for

  int64_t in_tile() const { return count == 1 ? 1 : kRoundedTile; }
};

// Rounds rows.count rows of format.k floats. A group with a NaN or an infinity gives NaN. Shared
// among threads.
Status round_rows(const NBitsFormat& format, const float* from, const RoundedRows& rows);

// At most kNBitsColumns columns side by side.
struct NBitsColumns {
  int64_t count = 0;
  const uint8_t* packed = nullptr;  // [column][block][block_bytes()]
  const float* scales = nullptr;    // [column][block]
  const float* zeros = nullptr;     // [column][block], or null
  const float* bias = nullptr;      // [column], or null
};

// Floats of memory that a call needs, for unpacked columns or the factors of sums.
int64_t nbits_integer_floats(const NBitsFormat& format);

// out[row * stride + column] = bias + dot(row, (q - zero) * scale), of all rows. On the calling
// thread.
void nbits_integer_product(const NBitsFormat& format, const RoundedRows& rows,
                           const NBitsColumns& columns, float* memory, float* out, int64_t stride);

}  // namespace sardonyx::simd
