// Random numbers for operators, the same ones as NumPy's RandomState for the same seed.
#pragma once

#include <cstdint>
#include <random>

namespace sardonyx::ops {

class RandomState {
 public:
  explicit RandomState(uint32_t seed) : engine_(seed) {}
  // A seed that differs from call to call.
  static uint32_t fresh_seed();

  // In [0, 1).
  double uniform();
  double normal();

 private:
  std::mt19937 engine_;
  double spare_ = 0;
  bool has_spare_ = false;
};

}  // namespace sardonyx::ops
