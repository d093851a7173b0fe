// Integers of 2 or 4 bits as bytes.
#pragma once

#include <cstdint>

namespace sardonyx::simd {

// out[i] = element i of `packed`, whose low bits come first. bits is 2, 4 or 8; packed holds
// ceil(count * bits / 8) bytes. Not threaded.
void unpack_bits(const uint8_t* packed, int bits, int64_t count, uint8_t* out);

}  // namespace sardonyx::simd
