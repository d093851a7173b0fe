#include "base/dtype.h"

#include "base/string_ref.h"

namespace sardonyx {
namespace {

struct Row {
  std::string_view name;
  int bits;
};

constexpr Row kRows[] = {
    {"undefined", 0},      {"float32", 32},   {"uint8", 8},
    {"int8", 8},           {"uint16", 16},    {"int16", 16},
    {"int32", 32},         {"int64", 64},     {"string", 8 * sizeof(StringRef)},
    {"bool", 8},           {"float16", 16},   {"float64", 64},
    {"uint32", 32},        {"uint64", 64},    {"complex64", 64},
    {"complex128", 128},   {"bfloat16", 16},  {"float8e4m3fn", 8},
    {"float8e4m3fnuz", 8}, {"float8e5m2", 8}, {"float8e5m2fnuz", 8},
    {"uint4", 4},          {"int4", 4},       {"float4e2m1", 4},
    {"float8e8m0", 8},     {"uint2", 2},      {"int2", 2},
};
constexpr int kRowCount = sizeof kRows / sizeof kRows[0];

const Row& row(DType dtype) {
  const int number = static_cast<int>(dtype);
  return kRows[number < kRowCount ? number : 0];
}

}  // namespace

int dtype_bits(DType dtype) {
  return row(dtype).bits;
}

std::string_view dtype_name(DType dtype) {
  return row(dtype).name;
}

bool is_known_dtype(int32_t number) {
  return number > 0 && number < kRowCount;
}

}  // namespace sardonyx
