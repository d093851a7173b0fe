#include "simd/unpack_bits.h"

#include <cstring>

#include "simd/v128.h"

namespace sardonyx::simd {
namespace {

// Whole vectors of 16 bytes; returns how many elements that were.
int64_t unpack_nibbles(const uint8_t* packed, int64_t count, uint8_t* out) {
  const v128_t mask = wasm_i8x16_splat(15);
  int64_t i = 0;
  for (; i + 32 <= count; i += 32) {
    const v128_t both = wasm_v128_load(packed + i / 2);
    const v128_t low = wasm_v128_and(both, mask), high = wasm_u8x16_shr(both, 4);
    wasm_v128_store(out + i, wasm_i8x16_shuffle(low, high, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21,
                                                6, 22, 7, 23));
    wasm_v128_store(out + i + 16, wasm_i8x16_shuffle(low, high, 8, 24, 9, 25, 10, 26, 11, 27, 12,
                                                     28, 13, 29, 14, 30, 15, 31));
  }
  return i;
}

}  // namespace

void unpack_bits(const uint8_t* packed, int bits, int64_t count, uint8_t* out) {
  if (bits == 8) {
    if (count > 0) std::memcpy(out, packed, static_cast<size_t>(count));
    return;
  }
  const int per_byte = 8 / bits, mask = (1 << bits) - 1;
  int64_t i = bits == 4 ? unpack_nibbles(packed, count, out) : 0;
  for (; i < count; ++i) {
    out[i] = static_cast<uint8_t>(packed[i / per_byte] >> (i % per_byte * bits) & mask);
  }
}

}  // namespace sardonyx::simd
