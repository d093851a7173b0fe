// For channel-aware kernels that compute in one layout.
#pragma once

#include "ops/operator.h"
#include "ops/scratch.h"
#include "simd/layout.h"

namespace sardonyx::ops {

// The kernel computes in the layout of input 0; an output 0 in the other layout is computed in
// scratch memory and converted by finish(). Both are fp32.
class OneLayout {
 public:
  static Result<OneLayout> place(const BindContext& context, ScratchLayout& scratch) {
    OneLayout out;
    out.layout_ = context.inputs[0].layout;
    const TensorView& y = context.outputs[0];
    if (y.layout != out.layout_) {
      SX_ASSIGN(out.offset_, scratch.add_floats(storage_elements(y.shape, out.layout_)));
    }
    return out;
  }
  Layout layout() const { return layout_; }
  float* target(const RunContext& context) const {
    return offset_ == kInPlace ? context.outputs[0].as<float>()
                               : reinterpret_cast<float*>(context.scratch + offset_);
  }
  Status finish(const RunContext& context) const {
    if (offset_ == kInPlace) return {};
    const TensorView& y = context.outputs[0];
    const auto convert = y.layout == Layout::kNC4HW4 ? simd::to_nc4hw4 : simd::to_row_major;
    return convert(context.scratch + offset_, y.shape[0], y.shape[1],
                   y.shape.product(2, y.shape.rank()), sizeof(float), y.data);
  }

 private:
  static constexpr size_t kInPlace = SIZE_MAX;
  Layout layout_ = Layout::kRowMajor;
  size_t offset_ = kInPlace;
};

// Images times channels, or times channel blocks.
inline int64_t plane_count(const Shape& shape, Layout layout) {
  return shape[0] * (layout == Layout::kNC4HW4 ? simd::channel_blocks(shape[1]) : shape[1]);
}

// takes_nc4hw4 of kernels that follow their input: an fp32 input of rank 4 that has channel blocks.
inline bool follows_channel_blocks(const KernelInit& init) {
  const KernelInput& x = init.inputs[0];
  return x.layout == Layout::kNC4HW4 && x.dtype == DType::kFloat32 && x.has_shape &&
         x.shape.rank() == 4;
}

}  // namespace sardonyx::ops
