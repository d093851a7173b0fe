// RoiAlign and MaxRoiPool: regions of images, each reduced to a grid of the same size.
#include <algorithm>
#include <cmath>

#include "ops/bilinear.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/widened.h"
#include "simd/parallel.h"

namespace sardonyx::ops {
namespace {

constexpr size_t kX = 0, kRegions = 1, kBatch = 2;
constexpr int kHalfPixelSince = 16;
constexpr int64_t kMaxExtent = int64_t{1} << 24;
constexpr double kNsPerSample = 4.0;

// Regions far outside are moved to where conversions to integers are defined.
float near_image(float x) {
  constexpr float kFar = 1e8f;
  return x > -kFar ? std::min(x, kFar) : -kFar;
}

// --- RoiAlign ------------------------------------------------------------------------------------

struct AlignOptions {
  int64_t height = 1, width = 1, sampling_ratio = 0;
  float spatial_scale = 1;
  bool half_pixel = true, maximum = false;
};

Result<AlignOptions> parse_align(const Attributes& attributes, int opset) {
  AlignOptions options;
  options.height = attributes.get_int("output_height", 1);
  options.width = attributes.get_int("output_width", 1);
  options.sampling_ratio = attributes.get_int("sampling_ratio", 0);
  options.spatial_scale = attributes.get_float("spatial_scale", 1.0f);
  const std::string_view mode = attributes.get_string("mode", "avg");
  const std::string_view coordinates =
      attributes.get_string("coordinate_transformation_mode",
                            opset < kHalfPixelSince ? "output_half_pixel" : "half_pixel");
  options.maximum = mode == "max";
  options.half_pixel = coordinates == "half_pixel";
  const bool extents = options.height >= 1 && options.width >= 1 && options.height <= kMaxExtent &&
                       options.width <= kMaxExtent && options.sampling_ratio >= 0 &&
                       options.sampling_ratio <= 1024;
  const bool names = (options.maximum || mode == "avg") &&
                     (options.half_pixel || coordinates == "output_half_pixel");
  if (extents && names) return options;
  return error(ErrorCode::ATTRIBUTE_INVALID,
               "mode '%.*s', coordinate_transformation_mode '%.*s', output %lld x %lld, "
               "sampling_ratio %lld",
               static_cast<int>(mode.size()), mode.data(), static_cast<int>(coordinates.size()),
               coordinates.data(), static_cast<long long>(options.height),
               static_cast<long long>(options.width),
               static_cast<long long>(options.sampling_ratio));
}

// One axis of a region: where it starts, how large a cell is and how many samples are in it.
struct Cells {
  float start, size;
  int64_t samples;

  Cells(const AlignOptions& options, float from, float to, int64_t count) {
    const float shift = options.half_pixel ? 0.5f : 0.0f;
    start = near_image(from * options.spatial_scale - shift);
    float extent = near_image(to * options.spatial_scale - shift) - start;
    if (!options.half_pixel) extent = std::max(extent, 1.0f);
    size = extent / static_cast<float>(count);
    // Enough for any image, and few enough to end.
    constexpr float kMostSamples = 1024;
    samples = options.sampling_ratio > 0
                  ? options.sampling_ratio
                  : static_cast<int64_t>(std::clamp(std::ceil(size), 0.0f, kMostSamples));
  }
  float at(int64_t cell, int64_t sample) const {
    return start + static_cast<float>(cell) * size +
           (static_cast<float>(sample) + 0.5f) * size / static_cast<float>(samples);
  }
};

// One cell of one plane.
float align_cell(const AlignOptions& options, const Cells& rows, const Cells& columns, int64_t i,
                 int64_t j, const float* plane, int64_t height, int64_t width) {
  float sum = 0, largest = -HUGE_VALF;
  for (int64_t a = 0; a < rows.samples; ++a) {
    for (int64_t b = 0; b < columns.samples; ++b) {
      float y = rows.at(i, a), x = columns.at(j, b);
      if (!(y >= -1 && y <= static_cast<float>(height) && x >= -1 &&
            x <= static_cast<float>(width))) {
        largest = std::max(largest, 0.0f);
        continue;
      }
      y = std::clamp(y, 0.0f, static_cast<float>(height - 1));
      x = std::clamp(x, 0.0f, static_cast<float>(width - 1));
      const Bilinear around(y, x, height, width);
      sum += around.read(plane);
      for (int k = 0; k < 4; ++k) {
        // The reference takes the largest of the weighted elements, not of the samples.
        largest = std::max(largest, around.weight[k] * plane[around.offset[k]]);
      }
    }
  }
  const int64_t count = rows.samples * columns.samples;
  if (options.maximum) return count > 0 ? largest : 0.0f;
  return sum / static_cast<float>(std::max<int64_t>(count, 1));
}

Result<int64_t> image_of(int64_t index, int64_t images) {
  if (index >= 0 && index < images) return index;
  return error(ErrorCode::INDEX_RANGE, "image %lld of %lld", static_cast<long long>(index),
               static_cast<long long>(images));
}

class RoiAlignKernel final : public Kernel {
 public:
  explicit RoiAlignKernel(const AlignOptions& options) : options_(options) {}

  Status run(const RunContext& context) const override {
    const TensorView &x = context.inputs[kX], &y = context.outputs[0];
    if (y.elements() == 0) return {};
    const int64_t channels = x.shape[1], height = x.shape[2], width = x.shape[3];
    const auto* images = context.inputs[kBatch].as<const int64_t>();
    for (int64_t i = 0; i < y.shape[0]; ++i) SX_TRY(image_of(images[i], x.shape[0]).take_status());
    const int64_t cells = options_.height * options_.width;
    const auto grain = simd::grain_for(kNsPerSample * 4 * static_cast<double>(cells));
    return simd::parallel_for(y.shape[0] * channels, grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t region = i / channels;
        const float* box = context.inputs[kRegions].as<const float>() + region * 4;
        const Cells columns(options_, box[0], box[2], options_.width);
        const Cells rows(options_, box[1], box[3], options_.height);
        const float* plane =
            x.as<const float>() + (images[region] * channels + i % channels) * height * width;
        for (int64_t cell = 0; cell < cells; ++cell) {
          y.as<float>()[i * cells + cell] =
              align_cell(options_, rows, columns, cell / options_.width, cell % options_.width,
                         plane, height, width);
        }
      }
    });
  }
  std::string_view name() const override { return "roi_align"; }

 private:
  AlignOptions options_;
};

Result<KernelPtr> make_align_floats(const KernelInit& init) {
  SX_ASSIGN(const AlignOptions options, parse_align(init.attributes, init.opset));
  return KernelPtr(std::make_unique<RoiAlignKernel>(options));
}

// --- MaxRoiPool ----------------------------------------------------------------------------------

struct PoolOptions {
  int64_t height = 0, width = 0;
  float spatial_scale = 1;
};

Result<PoolOptions> parse_pool(const Attributes& attributes) {
  const auto shape = attributes.get_ints("pooled_shape");
  const bool fits = shape.size() == 2 && shape[0] >= 1 && shape[1] >= 1 && shape[0] <= kMaxExtent &&
                    shape[1] <= kMaxExtent;
  if (!fits) return error(ErrorCode::ATTRIBUTE_INVALID, "pooled_shape is not two extents");
  return PoolOptions{shape[0], shape[1], attributes.get_float("spatial_scale", 1.0f)};
}

// The elements [begin, end) of an axis that belong to one cell of a region.
struct Bin {
  int64_t begin, end;

  Bin(float from, float to, float scale, int64_t cell, int64_t cells, int64_t extent) {
    const auto first = static_cast<int64_t>(std::round(near_image(from * scale)));
    const auto last = static_cast<int64_t>(std::round(near_image(to * scale)));
    const double size =
        static_cast<double>(std::max<int64_t>(last - first + 1, 1)) / static_cast<double>(cells);
    const auto low = static_cast<int64_t>(std::floor(static_cast<double>(cell) * size));
    const auto high = static_cast<int64_t>(std::ceil(static_cast<double>(cell + 1) * size));
    begin = std::clamp<int64_t>(first + low, 0, extent);
    end = std::clamp<int64_t>(first + high, 0, extent);
  }
};

float largest_of(const float* plane, int64_t width, const Bin& rows, const Bin& columns) {
  if (rows.begin >= rows.end || columns.begin >= columns.end) return 0;
  float largest = -HUGE_VALF;
  for (int64_t i = rows.begin; i < rows.end; ++i) {
    for (int64_t j = columns.begin; j < columns.end; ++j) {
      largest = std::max(largest, plane[i * width + j]);
    }
  }
  return largest;
}

Status run_max_roi_pool(const Attributes& attributes, const RunContext& context) {
  const TensorView &x = context.inputs[kX], &y = context.outputs[0];
  if (y.elements() == 0) return {};
  SX_ASSIGN(const PoolOptions options, parse_pool(attributes));
  const int64_t channels = x.shape[1], height = x.shape[2], width = x.shape[3];
  const int64_t cells = options.height * options.width;
  const auto* regions = context.inputs[kRegions].as<const float>();
  for (int64_t r = 0; r < y.shape[0]; ++r) {
    const auto index = static_cast<int64_t>(near_image(regions[r * 5]));
    SX_ASSIGN(const int64_t image, image_of(index, x.shape[0]));
    const float* box = regions + r * 5 + 1;
    for (int64_t i = 0; i < channels * cells; ++i) {
      const int64_t cell = i % cells;
      const Bin columns(box[0], box[2], options.spatial_scale, cell % options.width, options.width,
                        width);
      const Bin rows(box[1], box[3], options.spatial_scale, cell / options.width, options.height,
                     height);
      const float* plane = x.as<const float>() + (image * channels + i / cells) * height * width;
      y.as<float>()[r * channels * cells + i] = largest_of(plane, width, rows, columns);
    }
  }
  return {};
}

Result<KernelPtr> make_pool_floats(const KernelInit& init) {
  return stateless(init, run_max_roi_pool);
}

// Output 0 for regions of `columns` numbers each.
Status set_output(InferContext& context, int64_t columns, int64_t height, int64_t width) {
  const ValueFacts &x = context.inputs[kX], &regions = context.inputs[kRegions];
  const bool wrong_x = x.has_shape && (x.shape.rank() != 4 || x.shape[2] == 0 || x.shape[3] == 0);
  const bool wrong_regions =
      regions.has_shape &&
      (regions.shape.rank() != 2 || (regions.shape[1] >= 0 && regions.shape[1] != columns));
  if (wrong_x || wrong_regions) {
    return error(ErrorCode::SHAPE_MISMATCH, "an input of shape %s with regions of shape %s",
                 x.shape.to_string().c_str(), regions.shape.to_string().c_str());
  }
  context.set_output(0, x.dtype,
                     Shape{regions.has_shape ? regions.shape[0] : kUnknownDim,
                           x.has_shape ? x.shape[1] : kUnknownDim, height, width});
  return {};
}

}  // namespace

Status infer_roi_align(InferContext& context) {
  SX_TRY(check_arity(context, 3, 3));
  SX_TRY(check_float(context, kX));
  SX_TRY(check_float(context, kRegions));
  SX_TRY(check_dtype(context, kBatch, {DType::kInt64}));
  SX_ASSIGN(const AlignOptions options, parse_align(context.attributes, context.opset));
  SX_TRY(set_output(context, 4, options.height, options.width));
  const ValueFacts &regions = context.inputs[kRegions], &batch = context.inputs[kBatch];
  if (!batch.has_shape || !regions.has_shape) return {};
  const bool fits = batch.shape.rank() == 1 && (batch.shape[0] < 0 || regions.shape[0] < 0 ||
                                                batch.shape[0] == regions.shape[0]);
  if (fits) return {};
  return error(ErrorCode::SHAPE_MISMATCH, "regions of shape %s with batch indices of shape %s",
               regions.shape.to_string().c_str(), batch.shape.to_string().c_str());
}
Result<KernelPtr> make_roi_align(const KernelInit& init) {
  return widened(init, make_align_floats);
}

Status infer_max_roi_pool(InferContext& context) {
  SX_TRY(check_arity(context, 2, 2));
  SX_TRY(check_float(context, kX));
  SX_TRY(check_same_dtype(context, kX, kRegions));
  SX_ASSIGN(const PoolOptions options, parse_pool(context.attributes));
  return set_output(context, 5, options.height, options.width);
}
Result<KernelPtr> make_max_roi_pool(const KernelInit& init) {
  return widened(init, make_pool_floats);
}

}  // namespace sardonyx::ops
