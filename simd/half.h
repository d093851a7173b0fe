// Floats of 16 bits (IEEE 754 binary16) as floats and back. Not threaded.
#pragma once

#include <cstdint>

namespace sardonyx::simd {

// Exact; a NaN keeps its bits.
void halves_to_floats(const uint16_t* from, float* to, int64_t count);
// To the nearest, ties to even, infinite from 65520 on. Every NaN becomes the quiet one.
void floats_to_halves(const float* from, uint16_t* to, int64_t count);

}  // namespace sardonyx::simd
