// The one place for size arithmetic on untrusted numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace sardonyx {

// Largest byte size that any single tensor or block may have; fits a wasm32 address space.
inline constexpr uint64_t kMaxTensorBytes = uint64_t{1} << 31;

template <typename T>
constexpr std::optional<T> checked_add(T a, T b) {
  T out{};
  if (__builtin_add_overflow(a, b, &out)) return std::nullopt;
  return out;
}

template <typename T>
constexpr std::optional<T> checked_sub(T a, T b) {
  T out{};
  if (__builtin_sub_overflow(a, b, &out)) return std::nullopt;
  return out;
}

template <typename T>
constexpr std::optional<T> checked_mul(T a, T b) {
  T out{};
  if (__builtin_mul_overflow(a, b, &out)) return std::nullopt;
  return out;
}

// For b above 0.
template <typename T>
constexpr T ceil_div(T a, T b) {
  return a / b + (a % b > 0);
}

template <typename T>
constexpr T round_up(T value, T multiple) {
  return ceil_div(value, multiple) * multiple;
}

}  // namespace sardonyx
