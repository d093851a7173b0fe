// Comparisons, Where and Cast for WebGPU. A bool is a byte; four results make a word.
#include <algorithm>

#include "base/checked.h"
#include "engine/gpu/broadcast_dims.h"

namespace sardonyx::gpu {
namespace {

// How elements are read, as webgpu/elements.ts has it.
constexpr uint32_t kFloat = 0, kInt = 1, kLong = 2, kByte = 3;

std::optional<uint32_t> format_of(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return kFloat;
    case DType::kInt32:
      return kInt;
    case DType::kInt64:
      return kLong;
    case DType::kBool:
    case DType::kUint8:
      return kByte;
    default:
      return std::nullopt;
  }
}

constexpr std::string_view kComparisons[] = {"Equal",          "Less", "LessOrEqual", "Greater",
                                             "GreaterOrEqual", "And",  "Or",          "Xor"};

}  // namespace

// Variant: the comparison, from bit 4 on how operands are read, from bit 8 on the rank.
bool lower_compare(Emitter& e) {
  const auto format = format_of(e.input(0).dtype);
  if (!format) return false;
  uint32_t op = 0;
  while (op < std::size(kComparisons) && kComparisons[op] != e.type()) ++op;
  if (op == std::size(kComparisons)) return false;
  const TensorView& y = e.output(0);
  const auto dims = broadcast_dims<2>(y.shape, {&e.input(0).shape, &e.input(1).shape});
  if (dims.rank() > kMaxStridedDims) return false;
  GpuStep& step = e.add(GpuKernel::kCompare, ceil_div<int64_t>(y.elements(), 4),
                        op | *format << 4 | static_cast<uint32_t>(dims.rank()) << 8);
  e.operand(step, 0, 0);
  e.operand(step, 1, 1);
  step.params[5] = word(y.elements());
  dims.write(step);
  return true;
}

// Variant: 1 for elements of two words, from bit 8 on the rank.
bool lower_where(Emitter& e) {
  const TensorView& y = e.output(0);
  const int width = dtype_bits(y.dtype);
  if (width != 32 && width != 64) return false;
  const auto dims =
      broadcast_dims<3>(y.shape, {&e.input(0).shape, &e.input(1).shape, &e.input(2).shape});
  if (dims.rank() > kMaxStridedDims) return false;
  GpuStep& step = e.add(GpuKernel::kWhere, y.elements(),
                        (width == 64 ? 1 : 0) | static_cast<uint32_t>(dims.rank()) << 8);
  for (uint32_t i = 0; i < 3; ++i) e.operand(step, i, i);
  dims.write(step);
  return true;
}

// Variant: how the input is read, from bit 4 on how the output is written.
bool lower_cast(Emitter& e) {
  const auto from = format_of(e.input(0).dtype), to = format_of(e.output(0).dtype);
  if (!from || !to || e.output(0).dtype == DType::kUint8) return false;
  const int64_t count = e.output(0).elements();
  GpuStep& step =
      e.add(GpuKernel::kCast, *to == kByte ? ceil_div<int64_t>(count, 4) : count, *from | *to << 4);
  e.operand(step, 0, 0);
  step.params[5] = word(count);
  return true;
}

}  // namespace sardonyx::gpu
