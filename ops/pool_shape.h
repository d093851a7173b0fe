// The shape rules that all poolings share.
#pragma once

#include "ops/operator.h"
#include "ops/window.h"

namespace sardonyx::ops {

// Output 0, and output 1 of int64 where it is named, for a window over input 0. SHAPE_MISMATCH;
// MODEL_UNSUPPORTED above three axes.
Status set_pooled_output(InferContext& context, const Window& window);
// Output 0 with one element per image and channel. SHAPE_MISMATCH.
Status set_global_pool_output(InferContext& context);

}  // namespace sardonyx::ops
