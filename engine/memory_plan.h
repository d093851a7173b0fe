// Packing of buffers with known lifetimes into one arena.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sardonyx {

// Wanted from step `first` to step `last`, both included.
struct Lifetime {
  size_t bytes = 0;
  uint32_t first = 0;
  uint32_t last = 0;
  size_t offset = 0;  // out: multiple of kBlockAlignment
};

// Sets the offsets so that buffers whose lifetimes overlap do not, largest buffers first (greedy by
// size). Returns the bytes of the arena, SIZE_MAX when above kMaxTensorBytes.
size_t plan_memory(std::span<Lifetime> buffers);

}  // namespace sardonyx
