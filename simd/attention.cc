#include "simd/attention.h"

#include <limits>

#include "simd/math.h"

namespace sardonyx::simd {
namespace {

constexpr float kLowest = -std::numeric_limits<float>::infinity();

// Half of a panel, queries [4 * half, 4 * half + 4).
void soften_half(float* scores, int64_t keys, int half, PanelSoftmax& softmax) {
  float* begin = scores + 4 * half;
  float* end = begin + keys * kPanel;
  const f32x4 before = load(softmax.max + 4 * half);
  f32x4 top = before, other = before;
  float* p = begin;
  for (; p + kPanel < end; p += 2 * kPanel) {
    top = pmax(top, load(p));
    other = pmax(other, load(p + kPanel));
  }
  if (p < end) top = pmax(top, load(p));
  top = pmax(top, other);
  store(softmax.max + 4 * half, top);

  // Scores that are all hidden are taken as they are: exp(-inf) is 0.
  const f32x4 base = select(top == splat(kLowest), zero(), top);
  const NonpositiveExp exp;
  const f32x4 fade = exp(before - base);
  f32x4 sum = load(softmax.total + 4 * half) * fade;
  SX_ROLLED
  for (p = begin; p < end; p += kPanel) {
    const f32x4 e = exp(load(p) - base);
    store(p, e);
    sum += e;
  }
  store(softmax.total + 4 * half, sum);
  store(softmax.fade + 4 * half, fade);
}

// MR neighbouring numbers of each value.
template <int MR>
void add_values(const float* values, size_t stride, const float* weights, int64_t keys,
                const float* fade, float* sums) {
  Tile<MR, 1> tile;
  const f32x4 fade0 = load(fade), fade1 = load(fade + 4);
  for (int r = 0; r < MR; ++r) {
    tile.acc[r][0] = load(sums + r * kPanel) * fade0;
    tile.acc[r][1] = load(sums + r * kPanel + 4) * fade1;
  }
  SX_ROLLED
  for (; keys > 0; --keys) {
    const float* a[MR];
    for (int r = 0; r < MR; ++r) a[r] = values + r;
    tile_step(tile, a, weights, kPanel);
    values += stride;
    weights += kPanel;
  }
  for (int r = 0; r < MR; ++r) {
    store(sums + r * kPanel, tile.acc[r][0]);
    store(sums + r * kPanel + 4, tile.acc[r][1]);
  }
}

}  // namespace

void panel_add_mask(const float* mask, int64_t row_step, int64_t keys, float* scores) {
  int64_t key = 0;
  if (row_step == 0) {
    for (; key < keys; ++key, scores += kPanel) {
      const f32x4 added = load_splat(mask + key);
      store(scores, load(scores) + added);
      store(scores + 4, load(scores + 4) + added);
    }
    return;
  }
  for (; key + 4 <= keys; key += 4, scores += 4 * kPanel) {
    for (int half = 0; half < 2; ++half) {
      f32x4 v[4];
      for (int j = 0; j < 4; ++j) v[j] = load(mask + (4 * half + j) * row_step + key);
      transpose(v[0], v[1], v[2], v[3]);
      for (int i = 0; i < 4; ++i) {
        float* to = scores + i * kPanel + 4 * half;
        store(to, load(to) + v[i]);
      }
    }
  }
  for (; key < keys; ++key, scores += kPanel) {
    for (int j = 0; j < kPanel; ++j) scores[j] += mask[j * row_step + key];
  }
}

void panel_soften(float* scores, int64_t keys, PanelSoftmax& softmax) {
  for (int half = 0; half < 2; ++half) soften_half(scores, keys, half, softmax);
}

void panel_add_values(const float* values, int64_t stride, int64_t size, const float* weights,
                      int64_t keys, const float* fade, float* sums) {
  const auto step = static_cast<size_t>(stride);
  int64_t i = 0;
  for (; i + 4 <= size; i += 4) {
    add_values<4>(values + i, step, weights, keys, fade, sums + i * kPanel);
  }
  for (; i < size; ++i) add_values<1>(values + i, step, weights, keys, fade, sums + i * kPanel);
}

}  // namespace sardonyx::simd
