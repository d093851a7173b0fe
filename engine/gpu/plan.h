// A bound segment lowered to WebGPU: a table of dispatches that webgpu/ reads as it lies in memory.
//
// GPU memory is two buffers: weights, which no dispatch writes, and an arena, which each dispatch
// binds once and reads and writes at offsets. So memory planned by the binding, in-place steps
// included, is used as it is. The arena holds the binding's arena at the same offsets, then the
// model's inputs, then small constants of this binding.
//
// Steps without a GPU kernel run on the CPU side of the same segment, in memory at the same
// offsets of the binding's arena.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/status.h"
#include "engine/binding.h"

namespace sardonyx {

enum class GpuKernel : uint32_t {
#define SX_GPU_KERNEL(symbol, name) symbol,
#include "engine/gpu/kernels.def"
#undef SX_GPU_KERNEL
};
const char* gpu_kernel_name(GpuKernel kernel);

inline constexpr uint32_t kGpuWorkgroup = 64;
inline constexpr uint32_t kMaxGpuGroups = 65535;  // per axis

// Bits of GpuStep::homes, shifted by the operand's number.
inline constexpr uint32_t kGpuWeights = 1;    // in the weights buffer
inline constexpr uint32_t kGpuHalf = 1 << 4;  // float32 elements stored as float16

// One dispatch of ceil(count / 64) workgroups of 64. The whole struct is the shader's uniform.
// params[0..3] are offsets of operands, params[4] of the result, in words of four bytes, for
// operands stored as float16 in halves of words. What the other params and `variant` are is the
// kernel's matter.
struct GpuStep {
  GpuKernel kernel = GpuKernel::kCpu;
  uint32_t variant = 0;
  uint32_t homes = 0;
  uint32_t step = 0;  // index into Segment::steps
  uint32_t count = 0;
  uint32_t groups[2] = {1, 1};
  uint32_t reserved = 0;
  uint32_t params[56] = {};
};
static_assert(sizeof(GpuStep) == 256);

struct GpuCopy {
  uint32_t offset = 0;   // in the GPU buffer, bytes
  uint32_t bytes = 0;    // a multiple of 4, up to 3 bytes behind the contents
  uint64_t address = 0;  // in this process
};

// Steps [begin, end) of a segment that run on the CPU, behind GPU steps up to `after`.
struct GpuHandOver {
  uint32_t after = 0;  // index into GpuPlan::steps
  uint32_t begin = 0, end = 0;
  uint32_t downloads = 0;  // the first so many of its transfers; the rest are uploads
  uint32_t first_transfer = 0, transfers = 0;
};

struct GpuPlan {
  uint32_t id = 0;  // another for each plan of a process
  std::vector<GpuStep> steps;
  std::vector<GpuHandOver> hand_overs;
  std::vector<GpuCopy> transfers;  // between the arenas, at the same offset
  std::vector<GpuCopy> feeds;      // per graph input; addresses are those of the run
  std::vector<GpuCopy> constants;  // written once
  std::vector<GpuCopy> outputs;    // per graph output; 0 bytes: it is in this process's memory
  std::vector<std::vector<uint32_t>> tables;  // made for the plan; some of the constants
  size_t arena_bytes = 0;
};

// Where the constants of a lowering are in the weights buffer. Those that are float16 numbers all
// through, though float32 here, are stored as float16.
struct GpuWeights {
  struct Place {
    uint32_t offset = 0;  // bytes
    bool half = false;
  };
  std::map<const void*, Place> places;
  std::vector<GpuCopy> copies;  // as they are
  std::vector<GpuCopy> halves;  // `bytes` of float32 at `address`, to be stored in half of them
  size_t bytes = 0;
};

// LIMIT_EXCEEDED above 4 GiB.
Result<GpuWeights> place_gpu_weights(const Lowering& lowering);
// `segment` must be the whole lowering, bound and resolved. LIMIT_EXCEEDED above 4 GiB.
Result<GpuPlan> plan_gpu(const Lowering& lowering, const Segment& segment, const SlotTable& slots,
                         const GpuWeights& weights);

}  // namespace sardonyx
