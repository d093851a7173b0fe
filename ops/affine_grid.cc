// AffineGrid: the positions, for GridSample, that affine maps give the elements of an image.
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/widened.h"
#include "simd/parallel.h"

namespace sardonyx::ops {
namespace {

constexpr size_t kTheta = 0, kSize = 1;
constexpr double kNsPerPoint = 10.0;

// Element i of an axis in [-1, 1].
float normalized(int64_t i, int64_t extent, bool align_corners) {
  if (!align_corners) {
    return static_cast<float>(2 * i + 1) / static_cast<float>(extent) - 1.0f;
  }
  return extent > 1 ? 2.0f * static_cast<float>(i) / static_cast<float>(extent - 1) - 1.0f : -1.0f;
}

Status run_affine_grid(const Attributes& attributes, const RunContext& context) {
  const TensorView& y = context.outputs[0];
  if (y.elements() == 0) return {};
  const bool align_corners = attributes.get_int("align_corners", 0) != 0;
  const int axes = y.shape.rank() - 2;
  const int64_t points = y.shape.product(1, axes + 1);
  return simd::parallel_for(
      y.shape[0] * points, simd::grain_for(kNsPerPoint), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const float* theta =
              context.inputs[kTheta].as<const float>() + i / points * axes * (axes + 1);
          float position[3];  // innermost axis first, as in the grid
          int64_t rest = i % points;
          for (int axis = 0; axis < axes; ++axis) {
            const int64_t extent = y.shape[axes - axis];
            position[axis] = normalized(rest % extent, extent, align_corners);
            rest /= extent;
          }
          for (int row = 0; row < axes; ++row, theta += axes + 1) {
            float sum = theta[axes];
            for (int axis = 0; axis < axes; ++axis) sum += theta[axis] * position[axis];
            y.as<float>()[i * axes + row] = sum;
          }
        }
      });
}

Result<KernelPtr> make_floats(const KernelInit& init) {
  return stateless(init, run_affine_grid);
}

// The rank of the image, from the maps; 0 when it is not known.
Result<int> axes_of(const ValueFacts& theta) {
  if (!theta.has_shape) return 0;
  const Shape& shape = theta.shape;
  const int64_t rows = shape.rank() == 3 ? shape[1] : 0;
  const bool fits = shape.rank() == 3 && (rows < 0 || rows == 2 || rows == 3) &&
                    (rows < 0 || shape[2] < 0 || shape[2] == rows + 1);
  if (fits) return rows < 0 ? 0 : static_cast<int>(rows);
  return error(ErrorCode::SHAPE_MISMATCH, "maps of shape %s", shape.to_string().c_str());
}

}  // namespace

Status infer_affine_grid(InferContext& context) {
  SX_TRY(check_arity(context, 2, 2));
  SX_TRY(check_float(context, kTheta));
  const ValueFacts& theta = context.inputs[kTheta];
  SX_ASSIGN(const std::optional<IntList> size, known_ints(context, kSize));
  SX_ASSIGN(const int axes, axes_of(theta));
  context.set_output_unknown(0, theta.dtype);
  if (!size || axes == 0) return {};
  const bool fits =
      size->size() == axes + 2 && (theta.shape[0] < 0 || (*size)[0] == theta.shape[0]);
  if (!fits) {
    return error(ErrorCode::SHAPE_MISMATCH, "a size of %d dims with maps of shape %s", size->size(),
                 theta.shape.to_string().c_str());
  }
  Shape out{(*size)[0]};
  for (int i = 2; i < size->size(); ++i) {
    if ((*size)[i] < 0) return error(ErrorCode::VALUE_RANGE, "a size is negative");
    out.push_back((*size)[i]);
  }
  out.push_back(axes);
  context.set_output(0, theta.dtype, out);
  return {};
}

Result<KernelPtr> make_affine_grid(const KernelInit& init) {
  return widened(init, make_floats);
}

}  // namespace sardonyx::ops
