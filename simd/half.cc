#include "simd/half.h"

#include <cstring>

#include "simd/unroll.h"
#include "simd/v128.h"

namespace sardonyx::simd {
namespace {

SX_INLINE void to_floats(const uint16_t* from, float* to) {
  const i32x4 half = {wasm_u32x4_load16x4(from)};
  const i32x4 sign = shift_left(half & constant<0x8000>(), 16);
  const i32x4 rest = shift_left(half & constant<0x7fff>(), 13);
  // The exponent is rebiased by a multiplication, which is exact and covers subnormals.
  const i32x4 finite = bits(from_bits(rest) * constant<0x1p112f>());
  const i32x4 special = (rest > constant<(0x7c00 << 13) - 1>()) & constant<0x7f800000>();
  store(to, from_bits(finite | special | sign));
}

SX_INLINE void to_halves(const float* from, uint16_t* to) {
  const f32x4 value = load(from);
  const i32x4 magnitude = bits(value) & constant<0x7fffffff>();
  const i32x4 sign = shift_right_logical(bits(value), 16) & constant<0x8000>();
  const i32x4 odd = shift_right(magnitude, 13) & constant<1>();
  const i32x4 normal = shift_right(magnitude - constant<0x38000000 - 0xfff>() + odd, 13);
  // Adding 0.5 leaves the rounded multiple of 2^-24 in the low bits.
  const i32x4 subnormal = bits(from_bits(magnitude) + constant<0.5f>()) - constant<0x3f000000>();
  i32x4 out = select(magnitude < constant<0x38800000>(), subnormal, normal);
  out = select(magnitude < constant<0x477ff000>(), out, constant<0x7c00>());
  out = select(magnitude > constant<0x7f800000>(), constant<0x7e00>(), out) | sign;
  wasm_v128_store64_lane(to, wasm_u16x8_narrow_i32x4(out.v, out.v), 0);
}

// By vectors of four; the elements that are left over pass through one of their own.
template <auto kConvert, typename From, typename To>
SX_INLINE void by_vector(const From* from, To* to, int64_t count) {
  SX_ROLLED
  for (; count > 0; count -= 4, from += 4, to += 4) {
    const bool whole = count >= 4;
    const auto rest = static_cast<size_t>(count);
    From in[4] = {};
    To out[4];
    if (!whole) std::memcpy(in, from, rest * sizeof(From));
    kConvert(whole ? from : in, whole ? to : out);
    if (!whole) std::memcpy(to, out, rest * sizeof(To));
  }
}

}  // namespace

void halves_to_floats(const uint16_t* from, float* to, int64_t count) {
  by_vector<to_floats>(from, to, count);
}

void floats_to_halves(const float* from, uint16_t* to, int64_t count) {
  by_vector<to_halves>(from, to, count);
}

}  // namespace sardonyx::simd
