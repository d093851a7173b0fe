// What a Resize or Upsample node asks for: which axes become how long.
#pragma once

#include <array>
#include <optional>

#include "ops/resize_table.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {

// Where a node keeps its parameters; 0 is nowhere, as input 0 is the image.
struct ResizeArity {
  size_t roi = 0, scales = 0, sizes = 0;
  size_t inputs = 0;
  bool simple = true;
};
ResizeArity resize_arity(bool upsample, int opset);

// What to resize to, per axis of the image.
struct ResizeRequest {
  uint32_t axes = 0;  // bit mask of those named
  bool by_size = false;
  std::array<float, kMaxRank> scale{};
  std::array<int64_t, kMaxRank> size{};
  std::array<float, kMaxRank> roi_begin{}, roi_end{};
};

// A parameter of the node: absent, known (`view`), or known only at run time.
struct ResizeParameter {
  bool present = false;
  const TensorView* view = nullptr;
  bool waits() const { return present && !view; }
};
struct ResizeParameters {
  ResizeParameter roi, scales, sizes;
};

// The axes that scales, sizes and roi speak of, in their order.
Result<IntList> resize_axes(const Attributes& attributes, int rank);
// Of an image of that rank; nullopt while a parameter is not known.
Result<std::optional<ResizeRequest>> read_resize_request(const Attributes& attributes,
                                                         const ResizeOptions& options,
                                                         const ResizeParameters& parameters,
                                                         int rank);
// One axis of the resized image; x is known.
Result<ResizeAxis> resize_axis(const ResizeOptions& options, const ResizeRequest& request,
                               const Shape& x, int axis);

}  // namespace sardonyx::ops
