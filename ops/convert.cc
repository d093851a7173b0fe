#include "ops/convert.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "ops/small_float.h"
#include "simd/half.h"
#include "simd/quantize.h"

namespace sardonyx::ops {
namespace {

constexpr int64_t kBlock = 128;  // elements that pass through the stack at once

// A type of its own, so that the loops below can tell it from uint16_t.
struct Bfloat {
  uint16_t bits;
};
// One byte that is 0 or 1.
struct Bool {
  uint8_t bits;
};

Bfloat to_bfloat(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if (value != value) return {static_cast<uint16_t>(bits >> 16 | 0x40)};
  return {static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1)) >> 16)};
}

template <typename From>
int64_t to_int64(From value) {
  if constexpr (std::is_floating_point_v<From>) {
    if (!(value == value)) return 0;
    if (value >= static_cast<From>(0x1p63)) return INT64_MAX;
    if (value < static_cast<From>(-0x1p63)) return INT64_MIN;
  }
  return static_cast<int64_t>(value);
}

template <typename From>
uint64_t to_uint64(From value) {
  if constexpr (std::is_floating_point_v<From>) {
    if (value >= static_cast<From>(0x1p63)) {
      return value >= static_cast<From>(0x1p64) ? UINT64_MAX : static_cast<uint64_t>(value);
    }
    return static_cast<uint64_t>(to_int64(value));
  } else {
    return static_cast<uint64_t>(value);
  }
}

// From is float, double, int64_t or uint64_t.
template <typename To, typename From>
To convert_one(From value) {
  if constexpr (std::is_same_v<To, Bfloat>) {
    return to_bfloat(static_cast<float>(value));
  } else if constexpr (std::is_same_v<To, Bool>) {
    return {static_cast<uint8_t>(value != 0)};
  } else if constexpr (std::is_same_v<To, uint64_t>) {
    return to_uint64(value);
  } else if constexpr (std::is_integral_v<To>) {
    return static_cast<To>(to_int64(value));
  } else {
    return static_cast<To>(value);
  }
}

template <typename To, typename From>
void store_all(void* dst, const From* src, int64_t n) {
  To* out = static_cast<To*>(dst);
  for (int64_t i = 0; i < n; ++i) out[i] = convert_one<To>(src[i]);
}

template <typename From>
void store_halves(void* dst, const From* src, int64_t n) {
  if constexpr (std::is_same_v<From, float>) {
    simd::floats_to_halves(src, static_cast<uint16_t*>(dst), n);
  } else {
    float floats[kBlock];
    store_all<float>(floats, src, n);
    simd::floats_to_halves(floats, static_cast<uint16_t*>(dst), n);
  }
}

// Integers of 4 or 2 bits, several to a byte.
template <typename From>
void store_packed(int bits, void* dst, const From* src, int64_t n) {
  auto* out = static_cast<uint8_t*>(dst);
  const int per_byte = 8 / bits;
  const auto mask = static_cast<uint8_t>((1 << bits) - 1);
  for (int64_t i = 0; i < n; i += per_byte) {
    uint8_t byte = 0;
    for (int lane = 0; lane < per_byte && i + lane < n; ++lane) {
      const auto value = static_cast<uint8_t>(to_int64(src[i + lane]));
      byte = static_cast<uint8_t>(byte | (value & mask) << (bits * lane));
    }
    *out++ = byte;
  }
}

template <typename From>
void store_small_floats(DType to, void* dst, const From* src, int64_t n,
                        const SmallFloatRules& rules) {
  auto* out = static_cast<uint8_t*>(dst);
  const bool packed = to == DType::kFloat4E2M1;
  for (int64_t i = 0; i < n; ++i) {
    const uint8_t code = to_small_float(to, static_cast<float>(src[i]), rules);
    if (!packed) {
      out[i] = code;
    } else if (i % 2 == 0) {
      out[i / 2] = code;
    } else {
      out[i / 2] = static_cast<uint8_t>(out[i / 2] | code << 4);
    }
  }
}

template <typename From>
void store_as(DType to, void* dst, const From* src, int64_t n, const SmallFloatRules& rules) {
  if (is_small_float(to)) return store_small_floats(to, dst, src, n, rules);
  switch (to) {
    case DType::kFloat32:
      return store_all<float>(dst, src, n);
    case DType::kFloat64:
      return store_all<double>(dst, src, n);
    case DType::kFloat16:
      return store_halves(dst, src, n);
    case DType::kBfloat16:
      return store_all<Bfloat>(dst, src, n);
    case DType::kBool:
      return store_all<Bool>(dst, src, n);
    case DType::kUint8:
    case DType::kInt8:
      return store_all<uint8_t>(dst, src, n);
    case DType::kUint16:
    case DType::kInt16:
      return store_all<uint16_t>(dst, src, n);
    case DType::kUint32:
    case DType::kInt32:
      return store_all<uint32_t>(dst, src, n);
    case DType::kUint64:
      return store_all<uint64_t>(dst, src, n);
    case DType::kInt4:
    case DType::kUint4:
    case DType::kInt2:
    case DType::kUint2:
      return store_packed(dtype_bits(to), dst, src, n);
    default:
      return store_all<int64_t>(dst, src, n);
  }
}

template <typename From, typename T>
void load_all(const void* src, int64_t step, int64_t n, T* out) {
  const From* in = static_cast<const From*>(src);
  for (int64_t i = 0; i < n; ++i) {
    if constexpr (std::is_same_v<From, Bfloat>) {
      out[i] = std::bit_cast<float>(static_cast<uint32_t>(in[i * step].bits) << 16);
    } else {
      out[i] = static_cast<T>(in[i * step]);
    }
  }
}

void load_halves(const void* src, int64_t step, int64_t n, float* out) {
  if (step == 1) return simd::halves_to_floats(static_cast<const uint16_t*>(src), out, n);
  uint16_t gathered[kBlock];
  load_all<uint16_t>(src, step, n, gathered);
  simd::halves_to_floats(gathered, out, n);
}

// Element i of those that take `bits` bits.
uint8_t packed_at(const void* src, int bits, int64_t i) {
  const int64_t bit = i * bits;
  const uint8_t byte = static_cast<const uint8_t*>(src)[bit / 8];
  return static_cast<uint8_t>((byte >> (bit % 8)) & ((1 << bits) - 1));
}

void load_packed_ints(DType from, const void* src, int64_t step, int64_t n, int64_t* out) {
  const int bits = dtype_bits(from);
  const bool is_signed = from == DType::kInt4 || from == DType::kInt2;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t value = packed_at(src, bits, i * step);
    out[i] = is_signed && value >> (bits - 1) ? value - (1 << bits) : value;
  }
}

void load_floats(DType from, const void* src, int64_t step, int64_t n, float* out) {
  if (is_small_float(from)) {
    const int bits = dtype_bits(from);
    for (int64_t i = 0; i < n; ++i) out[i] = from_small_float(from, packed_at(src, bits, i * step));
    return;
  }
  if (from == DType::kFloat32) return load_all<float>(src, step, n, out);
  if (from == DType::kFloat16) return load_halves(src, step, n, out);
  load_all<Bfloat>(src, step, n, out);
}

void load_ints(DType from, const void* src, int64_t step, int64_t n, int64_t* out) {
  switch (from) {
    case DType::kInt8:
      return load_all<int8_t>(src, step, n, out);
    case DType::kUint8:
    case DType::kBool:
      return load_all<uint8_t>(src, step, n, out);
    case DType::kInt16:
      return load_all<int16_t>(src, step, n, out);
    case DType::kUint16:
      return load_all<uint16_t>(src, step, n, out);
    case DType::kInt32:
      return load_all<int32_t>(src, step, n, out);
    case DType::kUint32:
      return load_all<uint32_t>(src, step, n, out);
    case DType::kInt4:
    case DType::kUint4:
    case DType::kInt2:
    case DType::kUint2:
      return load_packed_ints(from, src, step, n, out);
    default:
      return load_all<int64_t>(src, step, n, out);
  }
}

}  // namespace

DType compute_dtype(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
    case DType::kFloat16:
    case DType::kBfloat16:
      return DType::kFloat32;
    case DType::kFloat64:
      return DType::kFloat64;
    case DType::kUint64:
      return DType::kUint64;
    case DType::kBool:
    case DType::kInt8:
    case DType::kUint8:
    case DType::kInt16:
    case DType::kUint16:
    case DType::kInt32:
    case DType::kUint32:
    case DType::kInt64:
      return DType::kInt64;
    default:
      return DType::kUndefined;
  }
}

DType carrier_dtype(DType dtype) {
  if (is_small_float(dtype)) return DType::kFloat32;
  if (dtype_bits(dtype) == 4 || dtype_bits(dtype) == 2) return DType::kInt64;
  return compute_dtype(dtype);
}

void convert(DType to, void* dst, DType from, const void* src, int64_t step, int64_t n,
             const SmallFloatRules& rules) {
  const int64_t to_bits = dtype_bits(to), from_bits = dtype_bits(from);
  if (to == from && step == 1) {
    if (n && dst != src) std::memcpy(dst, src, static_cast<size_t>((n * to_bits + 7) / 8));
    return;
  }
  if (from == DType::kInt32 && to == DType::kFloat32 && step == 1) {
    return simd::dequantize(static_cast<const int32_t*>(src), n, 1.0f, 0, static_cast<float*>(dst));
  }
  union {
    float f32[kBlock];
    double f64[kBlock];
    int64_t i64[kBlock];
    uint64_t u64[kBlock];
  } block;
  const auto* in = static_cast<const uint8_t*>(src);
  auto* out = static_cast<uint8_t*>(dst);
  for (int64_t done = 0; done < n; done += kBlock) {
    const int64_t count = std::min(kBlock, n - done);
    const void* from_here = in + done * step * from_bits / 8;
    void* to_here = out + done * to_bits / 8;
    switch (carrier_dtype(from)) {
      case DType::kFloat32:
        load_floats(from, from_here, step, count, block.f32);
        store_as(to, to_here, block.f32, count, rules);
        break;
      case DType::kFloat64:
        load_all<double>(from_here, step, count, block.f64);
        store_as(to, to_here, block.f64, count, rules);
        break;
      case DType::kUint64:
        load_all<uint64_t>(from_here, step, count, block.u64);
        store_as(to, to_here, block.u64, count, rules);
        break;
      default:
        load_ints(from, from_here, step, count, block.i64);
        store_as(to, to_here, block.i64, count, rules);
    }
  }
}

Result<ConstantPtr> floats_of(const Constant& constant) {
  SX_ASSIGN(const std::shared_ptr<Constant> floats, make_constant(DType::kFloat32, constant.shape));
  const TensorView to = floats->view();
  convert(to.dtype, to.data, constant.dtype, constant.payload.data(), 1, to.elements());
  return ConstantPtr(floats);
}

}  // namespace sardonyx::ops
