#include "base/sorted_order.h"

#include <algorithm>
#include <numeric>

namespace sardonyx::detail {

std::vector<uint32_t> sorted_order(size_t count, const void* context, IndexBefore before) {
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [=](uint32_t a, uint32_t b) {
    if (before(context, a, b)) return true;
    return !before(context, b, a) && a < b;
  });
  return order;
}

}  // namespace sardonyx::detail
