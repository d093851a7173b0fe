#include "ops/numpy_random.h"

#include <atomic>
#include <chrono>
#include <cmath>

namespace sardonyx::ops {

uint32_t RandomState::fresh_seed() {
  static std::atomic<uint32_t> calls{0};
  const auto time = std::chrono::steady_clock::now().time_since_epoch().count();
  return static_cast<uint32_t>(time) ^ static_cast<uint32_t>(time >> 32) ^
         calls.fetch_add(1) * 0x9e3779b9u;
}

double RandomState::uniform() {
  const double high = static_cast<double>(engine_() >> 5);
  const double low = static_cast<double>(engine_() >> 6);
  return (high * 67108864 + low) / 9007199254740992;
}

// The polar form of Box and Muller, which makes two numbers at once.
double RandomState::normal() {
  has_spare_ = !has_spare_;
  if (!has_spare_) return spare_;
  for (;;) {
    const double x = 2 * uniform() - 1;
    const double y = 2 * uniform() - 1;
    const double square = x * x + y * y;
    if (square >= 1 || square == 0) continue;
    const double factor = std::sqrt(-2 * std::log(square) / square);
    spare_ = x * factor;
    return y * factor;
  }
}

}  // namespace sardonyx::ops
