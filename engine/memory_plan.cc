#include "engine/memory_plan.h"

#include <algorithm>

#include "base/block.h"
#include "base/checked.h"
#include "base/sorted_order.h"

namespace sardonyx {
namespace {

// Kernels may load a whole vector at the end of a buffer, so each is followed by some slack.
constexpr size_t kSlack = 32;

bool overlap(const Lifetime& a, const Lifetime& b) {
  return a.first <= b.last && b.first <= a.last;
}

}  // namespace

size_t plan_memory(std::span<Lifetime> buffers) {
  const auto order = sorted_order(
      buffers.size(), [&](uint32_t a, uint32_t b) { return buffers[a].bytes > buffers[b].bytes; });
  std::vector<uint32_t> placed;  // by offset
  placed.reserve(buffers.size());
  uint64_t total = 0;
  for (uint32_t id : order) {
    Lifetime& buffer = buffers[id];
    const uint64_t bytes = round_up<uint64_t>(uint64_t{buffer.bytes} + kSlack, kBlockAlignment);
    uint64_t offset = 0;
    for (uint32_t other_id : placed) {
      const Lifetime& other = buffers[other_id];
      if (!overlap(buffer, other)) continue;
      if (offset + bytes <= other.offset) break;
      offset = std::max(offset, round_up<uint64_t>(uint64_t{other.offset} + other.bytes + kSlack,
                                                   kBlockAlignment));
    }
    total = std::max(total, offset + bytes);
    if (total > kMaxTensorBytes) return SIZE_MAX;
    buffer.offset = static_cast<size_t>(offset);
    const auto place =
        std::lower_bound(placed.begin(), placed.end(), buffer.offset,
                         [&](uint32_t a, size_t value) { return buffers[a].offset < value; });
    placed.insert(place, id);
  }
  return static_cast<size_t>(total);
}

}  // namespace sardonyx
