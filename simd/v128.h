// The one vocabulary of 128-bit SIMD: all intrinsics of the project are WebAssembly's.
//
// On wasm they are the compiler's own; natively SIMDe supplies the same names, so that sanitizers
// see the very kernels that ship. SARDONYX_RELAXED selects the code paths of the relaxed-SIMD
// module, natively too.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__wasm_simd128__)
#include <wasm_simd128.h>
#if defined(__wasm_relaxed_simd__) && !defined(SARDONYX_RELAXED)
#define SARDONYX_RELAXED 1
#endif
#else
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/wasm/simd128.h>
#endif

#define SX_INLINE inline __attribute__((always_inline))

namespace sardonyx::simd {

#if defined(SARDONYX_RELAXED)
inline constexpr bool kRelaxed = true;
#else
inline constexpr bool kRelaxed = false;
#endif

// Four floats, and four 32-bit integers or masks (all ones or all zeros per lane).
struct f32x4 {
  v128_t v;
};
struct i32x4 {
  v128_t v;
};

// --- memory ------------------------------------------------------------------------------------
SX_INLINE f32x4 load(const float* p) {
  return {wasm_v128_load(p)};
}
SX_INLINE i32x4 load(const int32_t* p) {
  return {wasm_v128_load(p)};
}
SX_INLINE void store(float* p, f32x4 a) {
  wasm_v128_store(p, a.v);
}
SX_INLINE void store(int32_t* p, i32x4 a) {
  wasm_v128_store(p, a.v);
}
SX_INLINE f32x4 splat(float x) {
  return {wasm_f32x4_splat(x)};
}
SX_INLINE i32x4 splat(int32_t x) {
  return {wasm_i32x4_splat(x)};
}
// One instruction: all lanes from memory.
SX_INLINE f32x4 load_splat(const float* p) {
  return {wasm_v128_load32_splat(p)};
}
SX_INLINE i32x4 load_splat(const int32_t* p) {
  return {wasm_v128_load32_splat(p)};
}
SX_INLINE f32x4 zero() {
  return splat(0.0f);
}

template <auto kValue>
inline constexpr auto kStored = kValue;
// The same float or int32_t in all lanes, read from memory. V8 builds every other constant vector
// from immediates wherever it is used, in about four instructions.
template <auto kValue>
SX_INLINE auto constant() {
#if defined(__wasm__)
  const auto* p = &kStored<kValue>;
  __asm__("" : "+r"(p));  // hides the value from the compiler
  return load_splat(p);
#else
  return splat(kValue);
#endif
}

// The first n lanes, n in [0, 4]; the others are zero and not read.
SX_INLINE f32x4 load_partial(const float* p, int64_t n) {
  float lanes[4] = {};
  for (int64_t i = 0; i < n; ++i) lanes[i] = p[i];
  return load(lanes);
}
// Writes the first n lanes, n in [0, 4], and nothing else.
SX_INLINE void store_partial(float* p, f32x4 a, int64_t n) {
  if (n >= 4) return store(p, a);
  float lanes[4];
  store(lanes, a);
  for (int64_t i = 0; i < n; ++i) p[i] = lanes[i];
}

// --- arithmetic --------------------------------------------------------------------------------
SX_INLINE f32x4 operator+(f32x4 a, f32x4 b) {
  return {wasm_f32x4_add(a.v, b.v)};
}
SX_INLINE f32x4 operator-(f32x4 a, f32x4 b) {
  return {wasm_f32x4_sub(a.v, b.v)};
}
SX_INLINE f32x4 operator*(f32x4 a, f32x4 b) {
  return {wasm_f32x4_mul(a.v, b.v)};
}
SX_INLINE f32x4 operator/(f32x4 a, f32x4 b) {
  return {wasm_f32x4_div(a.v, b.v)};
}
SX_INLINE f32x4 operator-(f32x4 a) {
  return {wasm_f32x4_neg(a.v)};
}
SX_INLINE f32x4& operator+=(f32x4& a, f32x4 b) {
  return a = a + b;
}
SX_INLINE f32x4& operator*=(f32x4& a, f32x4 b) {
  return a = a * b;
}

// a * b + c. Relaxed module: relaxed madd, one or two roundings as the machine likes. Natively the
// fused form stands for it.
SX_INLINE f32x4 madd(f32x4 a, f32x4 b, f32x4 c) {
#if !defined(SARDONYX_RELAXED)
  return a * b + c;
#elif defined(__wasm_simd128__)
  return {wasm_f32x4_relaxed_madd(a.v, b.v, c.v)};
#else
  float x[4], y[4], z[4];
  store(x, a);
  store(y, b);
  store(z, c);
  for (int i = 0; i < 4; ++i) z[i] = __builtin_fmaf(x[i], y[i], z[i]);
  return load(z);
#endif
}
// c - a * b.
SX_INLINE f32x4 nmadd(f32x4 a, f32x4 b, f32x4 c) {
#if defined(SARDONYX_RELAXED) && defined(__wasm_simd128__)
  return {wasm_f32x4_relaxed_nmadd(a.v, b.v, c.v)};
#else
  return madd(-a, b, c);
#endif
}

// pmin(a, b) is b < a ? b : a, pmax(a, b) is a < b ? b : a: a NaN in `a` stays, one in `b` is lost.
// One instruction each on x86, where min_nan and max_nan take five or more.
SX_INLINE f32x4 pmin(f32x4 a, f32x4 b) {
  return {wasm_f32x4_pmin(a.v, b.v)};
}
SX_INLINE f32x4 pmax(f32x4 a, f32x4 b) {
  return {wasm_f32x4_pmax(a.v, b.v)};
}
// NaN when either operand is.
SX_INLINE f32x4 min_nan(f32x4 a, f32x4 b) {
  return {wasm_f32x4_min(a.v, b.v)};
}
SX_INLINE f32x4 max_nan(f32x4 a, f32x4 b) {
  return {wasm_f32x4_max(a.v, b.v)};
}
SX_INLINE f32x4 abs(f32x4 a) {
  return {wasm_f32x4_abs(a.v)};
}
SX_INLINE f32x4 sqrt(f32x4 a) {
  return {wasm_f32x4_sqrt(a.v)};
}
SX_INLINE f32x4 floor(f32x4 a) {
  return {wasm_f32x4_floor(a.v)};
}
SX_INLINE f32x4 ceil(f32x4 a) {
  return {wasm_f32x4_ceil(a.v)};
}
SX_INLINE f32x4 trunc(f32x4 a) {
  return {wasm_f32x4_trunc(a.v)};
}
// Ties to even.
SX_INLINE f32x4 nearest(f32x4 a) {
  return {wasm_f32x4_nearest(a.v)};
}

SX_INLINE i32x4 operator+(i32x4 a, i32x4 b) {
  return {wasm_i32x4_add(a.v, b.v)};
}
SX_INLINE i32x4 operator-(i32x4 a, i32x4 b) {
  return {wasm_i32x4_sub(a.v, b.v)};
}
SX_INLINE i32x4 operator*(i32x4 a, i32x4 b) {
  return {wasm_i32x4_mul(a.v, b.v)};
}
SX_INLINE i32x4 operator&(i32x4 a, i32x4 b) {
  return {wasm_v128_and(a.v, b.v)};
}
SX_INLINE i32x4 operator|(i32x4 a, i32x4 b) {
  return {wasm_v128_or(a.v, b.v)};
}
SX_INLINE i32x4 operator^(i32x4 a, i32x4 b) {
  return {wasm_v128_xor(a.v, b.v)};
}
SX_INLINE i32x4 operator~(i32x4 a) {
  return {wasm_v128_not(a.v)};
}
SX_INLINE i32x4 shift_left(i32x4 a, uint32_t bits) {
  return {wasm_i32x4_shl(a.v, bits)};
}
SX_INLINE i32x4 shift_right(i32x4 a, uint32_t bits) {
  return {wasm_i32x4_shr(a.v, bits)};
}
SX_INLINE i32x4 shift_right_logical(i32x4 a, uint32_t bits) {
  return {wasm_u32x4_shr(a.v, bits)};
}
SX_INLINE i32x4 min(i32x4 a, i32x4 b) {
  return {wasm_i32x4_min(a.v, b.v)};
}
SX_INLINE i32x4 max(i32x4 a, i32x4 b) {
  return {wasm_i32x4_max(a.v, b.v)};
}

// --- comparison and selection --------------------------------------------------------------------
SX_INLINE i32x4 operator<(f32x4 a, f32x4 b) {
  return {wasm_f32x4_lt(a.v, b.v)};
}
SX_INLINE i32x4 operator<=(f32x4 a, f32x4 b) {
  return {wasm_f32x4_le(a.v, b.v)};
}
SX_INLINE i32x4 operator>(f32x4 a, f32x4 b) {
  return {wasm_f32x4_gt(a.v, b.v)};
}
SX_INLINE i32x4 operator>=(f32x4 a, f32x4 b) {
  return {wasm_f32x4_ge(a.v, b.v)};
}
SX_INLINE i32x4 operator==(f32x4 a, f32x4 b) {
  return {wasm_f32x4_eq(a.v, b.v)};
}
SX_INLINE i32x4 operator!=(f32x4 a, f32x4 b) {
  return {wasm_f32x4_ne(a.v, b.v)};
}
SX_INLINE i32x4 operator<(i32x4 a, i32x4 b) {
  return {wasm_i32x4_lt(a.v, b.v)};
}
SX_INLINE i32x4 operator>(i32x4 a, i32x4 b) {
  return {wasm_i32x4_gt(a.v, b.v)};
}
SX_INLINE i32x4 operator==(i32x4 a, i32x4 b) {
  return {wasm_i32x4_eq(a.v, b.v)};
}
// mask ? a : b, per bit.
SX_INLINE f32x4 select(i32x4 mask, f32x4 a, f32x4 b) {
  return {wasm_v128_bitselect(a.v, b.v, mask.v)};
}
SX_INLINE i32x4 select(i32x4 mask, i32x4 a, i32x4 b) {
  return {wasm_v128_bitselect(a.v, b.v, mask.v)};
}
SX_INLINE bool any(i32x4 mask) {
  return wasm_v128_any_true(mask.v);
}

// --- conversion ----------------------------------------------------------------------------------
SX_INLINE i32x4 bits(f32x4 a) {
  return {a.v};
}
SX_INLINE f32x4 from_bits(i32x4 a) {
  return {a.v};
}
SX_INLINE f32x4 to_float(i32x4 a) {
  return {wasm_f32x4_convert_i32x4(a.v)};
}
// Towards zero, saturating; NaN gives 0.
SX_INLINE i32x4 to_int_sat(f32x4 a) {
  return {wasm_i32x4_trunc_sat_f32x4(a.v)};
}

// --- lanes ---------------------------------------------------------------------------------------
template <int kLane>
SX_INLINE float lane(f32x4 a) {
  return wasm_f32x4_extract_lane(a.v, kLane);
}
template <int kLane>
SX_INLINE int32_t lane(i32x4 a) {
  return wasm_i32x4_extract_lane(a.v, kLane);
}
// Lanes 0-3 are those of a, 4-7 those of b.
template <int k0, int k1, int k2, int k3>
SX_INLINE f32x4 shuffle(f32x4 a, f32x4 b) {
  return {wasm_i32x4_shuffle(a.v, b.v, k0, k1, k2, k3)};
}
template <int k0, int k1, int k2, int k3>
SX_INLINE i32x4 shuffle(i32x4 a, i32x4 b) {
  return {wasm_i32x4_shuffle(a.v, b.v, k0, k1, k2, k3)};
}
template <int kLane>
SX_INLINE f32x4 broadcast_lane(f32x4 a) {
  return shuffle<kLane, kLane, kLane, kLane>(a, a);
}
// (a0 + a2) + (a1 + a3)
SX_INLINE float reduce_add(f32x4 a) {
  const f32x4 pairs = a + shuffle<2, 3, 0, 1>(a, a);
  return lane<0>(pairs) + lane<1>(pairs);
}
// NaN when a lane is.
SX_INLINE float reduce_max_nan(f32x4 a) {
  const f32x4 pairs = max_nan(a, shuffle<2, 3, 0, 1>(a, a));
  return lane<0>(max_nan(pairs, shuffle<1, 0, 3, 2>(pairs, pairs)));
}
SX_INLINE float reduce_min_nan(f32x4 a) {
  const f32x4 pairs = min_nan(a, shuffle<2, 3, 0, 1>(a, a));
  return lane<0>(min_nan(pairs, shuffle<1, 0, 3, 2>(pairs, pairs)));
}
// Rows become columns.
SX_INLINE void transpose(f32x4& a, f32x4& b, f32x4& c, f32x4& d) {
  const f32x4 ab_lo = shuffle<0, 4, 1, 5>(a, b), ab_hi = shuffle<2, 6, 3, 7>(a, b);
  const f32x4 cd_lo = shuffle<0, 4, 1, 5>(c, d), cd_hi = shuffle<2, 6, 3, 7>(c, d);
  a = shuffle<0, 1, 4, 5>(ab_lo, cd_lo);
  b = shuffle<2, 3, 6, 7>(ab_lo, cd_lo);
  c = shuffle<0, 1, 4, 5>(ab_hi, cd_hi);
  d = shuffle<2, 3, 6, 7>(ab_hi, cd_hi);
}

// --- 16-bit integers, and bytes on their way to and from them
// --------------------------------------
struct i16x8 {
  v128_t v;
};
SX_INLINE i16x8 load(const int16_t* p) {
  return {wasm_v128_load(p)};
}
SX_INLINE void store(int16_t* p, i16x8 a) {
  wasm_v128_store(p, a.v);
}
SX_INLINE i16x8 splat(int16_t x) {
  return {wasm_i16x8_splat(x)};
}
// Elements p[0] and p[1] four times over.
SX_INLINE i16x8 load_splat_pair(const int16_t* p) {
  return {wasm_v128_load32_splat(p)};
}
// Eight bytes, widened without sign.
SX_INLINE i16x8 load_wide(const uint8_t* p) {
  return {wasm_u16x8_load8x8(p)};
}
SX_INLINE i16x8 operator+(i16x8 a, i16x8 b) {
  return {wasm_i16x8_add(a.v, b.v)};
}
SX_INLINE i16x8 operator-(i16x8 a, i16x8 b) {
  return {wasm_i16x8_sub(a.v, b.v)};
}
SX_INLINE i16x8 operator^(i16x8 a, i16x8 b) {
  return {wasm_v128_xor(a.v, b.v)};
}
SX_INLINE i32x4 widen_low(i16x8 a) {
  return {wasm_i32x4_extend_low_i16x8(a.v)};
}
SX_INLINE i32x4 widen_high(i16x8 a) {
  return {wasm_i32x4_extend_high_i16x8(a.v)};
}
// Lane i is a[2i] * b[2i] + a[2i + 1] * b[2i + 1].
SX_INLINE i32x4 dot(i16x8 a, i16x8 b) {
  return {wasm_i32x4_dot_i16x8(a.v, b.v)};
}
// Products of lanes 0-3 and 4-7.
SX_INLINE i32x4 multiply_low(i16x8 a, i16x8 b) {
  return {wasm_i32x4_extmul_low_i16x8(a.v, b.v)};
}
SX_INLINE i32x4 multiply_high(i16x8 a, i16x8 b) {
  return {wasm_i32x4_extmul_high_i16x8(a.v, b.v)};
}
// Saturating: the lanes of a, then those of b.
SX_INLINE i16x8 narrow(i32x4 a, i32x4 b) {
  return {wasm_i16x8_narrow_i32x4(a.v, b.v)};
}
// The low bytes of the eight.
SX_INLINE void store_low_bytes(uint8_t* p, i16x8 a) {
  const v128_t bytes = wasm_v128_and(a.v, wasm_i16x8_splat(255));
  wasm_v128_store64_lane(p, wasm_u8x16_narrow_i16x8(bytes, bytes), 0);
}

// --- relaxed dot products ------------------------------------------------------------------------
// What the machine does with a second operand outside [0, 127]; inside, all agree. Emulated
// natively.
enum class DotSemantics : uint8_t {
  kSigned,          // sdot, vpdpbssd
  kUnsigned,        // vpdpbusd: b unsigned
  kSaturatingPairs  // vpmaddubsw: b unsigned, pair sums saturate to 16 bits
};

// a: 16 x i8, b: 16 x i7 (see DotSemantics) -> sums of 2 products. With b in [0, 127] every machine
// and both modules give the same.
#if defined(__wasm_simd128__) && defined(SARDONYX_RELAXED)
SX_INLINE i16x8 dot_i8x16_i7x16(v128_t a, v128_t b) {
  return {wasm_i16x8_relaxed_dot_i8x16_i7x16(a, b)};
}
#elif defined(__wasm_simd128__)
SX_INLINE i16x8 dot_i8x16_i7x16(v128_t a, v128_t b) {
  const v128_t even = wasm_i16x8_mul(wasm_i16x8_shr(wasm_i16x8_shl(a, 8), 8),
                                     wasm_v128_and(b, constant<0x00FF00FF>().v));
  return {wasm_i16x8_add(even, wasm_i16x8_mul(wasm_i16x8_shr(a, 8), wasm_u16x8_shr(b, 8)))};
}
#else
// The lowering that the native shims emulate; tests switch it.
inline DotSemantics native_dot_semantics = DotSemantics::kSigned;

inline i16x8 dot_i8x16_i7x16(v128_t a, v128_t b) {
  int8_t x[16], y[16];
  int16_t out[8];
  wasm_v128_store(x, a);
  wasm_v128_store(y, b);
  for (int i = 0; i < 8; ++i) {
    int32_t sum = 0;
    for (int j = 2 * i; j < 2 * i + 2; ++j) {
      const bool is_signed = native_dot_semantics == DotSemantics::kSigned;
      sum += x[j] * (is_signed ? y[j] : static_cast<uint8_t>(y[j]));
    }
    if (native_dot_semantics == DotSemantics::kSaturatingPairs) {
      sum = sum < -32768 ? -32768 : sum > 32767 ? 32767 : sum;
    }
    out[i] = static_cast<int16_t>(sum);
  }
  return load(out);
}
#endif

}  // namespace sardonyx::simd
