#include "simd/recurrent.h"

#include "simd/math.h"

namespace sardonyx::simd {
namespace {

SX_INLINE f32x4 load_lanes(const float* p, int64_t lanes) {
  return lanes == 4 ? load(p) : load_partial(p, lanes);
}

// step(i, lanes) for elements [i, i + lanes), 4 at a time and then what is left.
template <typename Step>
SX_INLINE void for_lanes(int64_t n, Step step) {
  for (int64_t i = 0; i < n; i += 4) step(i, n - i < 4 ? n - i : 4);
}

}  // namespace

void lstm_cell(const float* products, const float* x, int64_t n, float* c, float* h) {
  for_lanes(n, [=](int64_t i, int64_t lanes) {
    const auto gate = [=](int64_t which) {
      const int64_t at = which * n + i;
      return load_lanes(products + at, lanes) + load_lanes(x + at, lanes);
    };
    const f32x4 added = sigmoid(gate(0)) * tanh(gate(3));
    const f32x4 cell = madd(sigmoid(gate(2)), load_lanes(c + i, lanes), added);
    store_partial(c + i, cell, lanes);
    store_partial(h + i, sigmoid(gate(1)) * tanh(cell), lanes);
  });
}

void gru_cell(const float* products, const float* x, const float* bias, int64_t n, float* h) {
  for_lanes(n, [=](int64_t i, int64_t lanes) {
    const auto product = [=](int64_t which) { return load_lanes(products + which * n + i, lanes); };
    const auto input = [=](int64_t which) { return load_lanes(x + which * n + i, lanes); };
    f32x4 hidden = product(2);
    if (bias) hidden += load_lanes(bias + i, lanes);
    const f32x4 candidate = tanh(hidden * sigmoid(product(1) + input(1)) + input(2));
    const f32x4 update = sigmoid(product(0) + input(0));
    const f32x4 old = update * load_lanes(h + i, lanes);
    store_partial(h + i, madd(splat(1.0f) - update, candidate, old), lanes);
  });
}

}  // namespace sardonyx::simd
