// 8-bit integers, signed or not, as 16-bit ones with their zero point taken away.
#pragma once

#include <cstdint>

#include "simd/v128.h"

namespace sardonyx::simd {

// q - zero, one code for int8 and uint8: a signed byte q is ((byte ^ 128) - 128).
class ByteWidener {
 public:
  ByteWidener(bool is_signed, int32_t zero)
      : flip_(is_signed ? 128 : 0), offset_(zero + (is_signed ? 128 : 0)) {}

  SX_INLINE int16_t one(uint8_t byte) const {
    return static_cast<int16_t>((byte ^ flip_) - offset_);
  }
  SX_INLINE i16x8 eight(const uint8_t* p) const {
    const i16x8 flip = splat(static_cast<int16_t>(flip_));
    return (load_wide(p) ^ flip) - splat(static_cast<int16_t>(offset_));
  }

 private:
  int32_t flip_, offset_;
};

}  // namespace sardonyx::simd
