// How much of a matrix product one thread takes at a time.
#pragma once

#include <algorithm>
#include <cstdint>

namespace sardonyx::simd {

// Multiplications per chunk of `total` ones: `most`, which suits the caches, but fewer where
// threads would else wait long for the last chunk.
inline int64_t chunk_work(int64_t total, int64_t most) {
  return std::clamp(total / 8, most / 3, most);
}

}  // namespace sardonyx::simd
