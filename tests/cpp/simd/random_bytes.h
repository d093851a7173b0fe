// Bytes for tests of integer kernels.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace sardonyx::simd {

inline std::vector<uint8_t> random_bytes(int64_t count, uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<uint8_t> out(static_cast<size_t>(count));
  for (uint8_t& byte : out) byte = static_cast<uint8_t>(generator());
  return out;
}

inline int64_t value(const std::vector<uint8_t>& bytes, int64_t i, bool is_signed) {
  const uint8_t byte = bytes[static_cast<size_t>(i)];
  return is_signed ? static_cast<int8_t>(byte) : byte;
}

}  // namespace sardonyx::simd
