// Reading a plane between its elements.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace sardonyx::ops {

// The four elements around a position, with their weights.
struct Bilinear {
  int64_t offset[4];
  float weight[4];

  // The indices are clamped to the plane. y and x are finite and within 2^30.
  Bilinear(float y, float x, int64_t height, int64_t width) {
    const float top = std::floor(y), left = std::floor(x);
    const float down = y - top, right = x - left;
    const auto row = static_cast<int64_t>(top), column = static_cast<int64_t>(left);
    for (int i = 0; i < 4; ++i) {
      const int64_t r = std::clamp<int64_t>(row + i / 2, 0, height - 1);
      const int64_t c = std::clamp<int64_t>(column + i % 2, 0, width - 1);
      offset[i] = r * width + c;
      weight[i] = (i / 2 ? down : 1 - down) * (i % 2 ? right : 1 - right);
    }
  }
  // What lies outside the plane counts as zero instead.
  void ignore_outside(float y, float x, int64_t height, int64_t width) {
    const auto row = static_cast<int64_t>(std::floor(y));
    const auto column = static_cast<int64_t>(std::floor(x));
    for (int i = 0; i < 4; ++i) {
      const int64_t r = row + i / 2, c = column + i % 2;
      if (r < 0 || r >= height || c < 0 || c >= width) weight[i] = 0;
    }
  }
  float read(const float* plane) const {
    return weight[0] * plane[offset[0]] + weight[1] * plane[offset[1]] +
           weight[2] * plane[offset[2]] + weight[3] * plane[offset[3]];
  }
};

}  // namespace sardonyx::ops
