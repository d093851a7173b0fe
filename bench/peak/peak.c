// What one core of this machine can do at most, as a wasm module of its own: multiply-adds with
// 128-bit vectors, and reading and copying memory. It stands alone: no library, no imports.
#include <wasm_simd128.h>

#define EXPORT(name) __attribute__((export_name(#name)))

// Two multiply-adds per cycle with a latency of four cycles need eight chains; with their operands
// twelve stay in registers.
enum { kChains = 12, kStreams = 8 };

static float sum_of(const v128_t* values, int count) {
  v128_t sum = wasm_f32x4_const_splat(0);
  for (int i = 0; i < count; ++i) sum = wasm_f32x4_add(sum, values[i]);
  return wasm_f32x4_extract_lane(sum, 0) + wasm_f32x4_extract_lane(sum, 1) +
         wasm_f32x4_extract_lane(sum, 2) + wasm_f32x4_extract_lane(sum, 3);
}

/** Runs steps × 12 multiply-adds of four lanes. */
EXPORT(multiply_add) float multiply_add(int steps, float factor) {
  const v128_t a = wasm_f32x4_splat(factor);
  const v128_t b = wasm_f32x4_splat(1 - factor);
  v128_t chains[kChains];
  for (int k = 0; k < kChains; ++k) chains[k] = a;
  for (int i = 0; i < steps; ++i) {
    for (int k = 0; k < kChains; ++k) chains[k] = wasm_f32x4_relaxed_madd(chains[k], a, b);
  }
  return sum_of(chains, kChains);
}

/** Reads `count` vectors, a multiple of 8, at eight places at once: so most lines are fetched
 * ahead. */
EXPORT(read_memory) float read_memory(const v128_t* from, int count) {
  v128_t sums[kStreams] = {0};
  const int stride = count / kStreams;
  for (int i = 0; i < stride; ++i) {
    for (int k = 0; k < kStreams; ++k) sums[k] = wasm_f32x4_add(sums[k], from[k * stride + i]);
  }
  return sum_of(sums, kStreams);
}

/** Copies `count` vectors, a multiple of 8. */
EXPORT(copy_memory) void copy_memory(v128_t* to, const v128_t* from, int count) {
  for (int i = 0; i < count; i += kStreams) {
    for (int k = 0; k < kStreams; ++k) to[i + k] = from[i + k];
  }
}
