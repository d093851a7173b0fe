#include <cmath>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/convolution.h"

namespace sardonyx::test {
namespace {

using reference::Ints;

struct Options {
  std::string mode = "nearest";
  std::string coordinates = "half_pixel";
  std::string rounding = "round_prefer_floor";
  float cubic = -0.75f;
  bool exclude_outside = false;
  float extrapolation = 0.0f;
  bool simple = false;  // Upsample and Resize of opset 10
};

float position(const Options& o, int64_t at, int64_t in, int64_t out, float scale, float begin,
               float end) {
  const auto x = static_cast<float>(at), n = static_cast<float>(in), m = static_cast<float>(out);
  if (o.coordinates == "half_pixel") return (x + 0.5f) / scale - 0.5f;
  if (o.coordinates == "half_pixel_symmetric") {
    return n / 2 * (1 - m / (scale * n)) + (x + 0.5f) / scale - 0.5f;
  }
  if (o.coordinates == "pytorch_half_pixel") return out > 1 ? (x + 0.5f) / scale - 0.5f : 0;
  if (o.coordinates == "align_corners") {
    // Scales give lengths that are not whole.
    const float length = std::fabs(n * scale - m) < 1e-3f ? m : n * scale;
    return out > 1 ? x * (n - 1) / (length - 1) : 0;
  }
  if (o.coordinates == "asymmetric") return x / scale;
  if (o.coordinates == "tf_half_pixel_for_nn") return (x + 0.5f) / scale;
  REQUIRE(o.coordinates == "tf_crop_and_resize");
  return out > 1 ? begin * (n - 1) + x * (end - begin) * (n - 1) / (m - 1)
                 : 0.5f * (begin + end) * (n - 1);
}

struct Tap {
  int64_t index;
  double weight;
};

double keys(double d, double a) {
  d = std::fabs(d);
  if (d <= 1) return (a + 2) * d * d * d - (a + 3) * d * d + 1;
  return d < 2 ? a * d * d * d - 5 * a * d * d + 8 * a * d - 4 * a : 0;
}

int64_t clamp_index(int64_t i, int64_t in) {
  return std::clamp<int64_t>(i, 0, in - 1);
}

std::vector<Tap> taps(const Options& o, float x, int64_t in, float scale) {
  if (o.mode == "nearest") {
    double nearest = std::floor(x);
    if (o.simple) {
      nearest = scale < 1 ? std::ceil(x) : std::floor(x);
    } else if (o.rounding == "ceil") {
      nearest = std::ceil(x);
    } else if (o.rounding == "round_prefer_floor") {
      nearest = x - std::floor(x) > 0.5f ? std::ceil(x) : std::floor(x);
    } else if (o.rounding == "round_prefer_ceil") {
      nearest = x - std::floor(x) >= 0.5f ? std::floor(x) + 1 : std::floor(x);
    }
    return {{clamp_index(static_cast<int64_t>(nearest), in), 1.0}};
  }
  const auto base = static_cast<int64_t>(std::floor(x));
  const double fraction = x - std::floor(x);
  if (o.mode == "linear") {
    return {{clamp_index(base, in), 1 - fraction}, {clamp_index(base + 1, in), fraction}};
  }
  std::vector<Tap> out;
  double sum = 0;
  for (int64_t t = -1; t <= 2; ++t) {
    const bool outside = base + t < 0 || base + t >= in;
    const double weight =
        o.exclude_outside && outside ? 0 : keys(static_cast<double>(t) - fraction, o.cubic);
    sum += weight;
    out.push_back({clamp_index(base + t, in), weight});
  }
  if (o.exclude_outside) {
    for (Tap& tap : out) tap.weight /= sum;
  }
  return out;
}

TestTensor reference_resize(const Options& o, const TestTensor& x, const Shape& out,
                            const std::vector<float>& scales, const std::vector<float>& roi = {}) {
  const int rank = x.shape.rank();
  TestTensor y = make_tensor(x.dtype, out);
  int64_t at = 0;
  reference::for_each_index({out.begin(), out.end()}, [&](const Ints& index) {
    std::vector<std::vector<Tap>> all;
    bool outside = false;
    Ints counts;
    for (int axis = 0; axis < rank; ++axis) {
      const auto i = static_cast<size_t>(axis);
      const float begin = roi.empty() ? 0 : roi[i];
      const float end = roi.empty() ? 1 : roi[i + static_cast<size_t>(rank)];
      const int64_t in = x.shape[axis];
      const float p = position(o, index[i], in, out[axis], scales[i], begin, end);
      outside = outside || (o.coordinates == "tf_crop_and_resize" &&
                            (p < 0 || p > static_cast<float>(in - 1)));
      all.push_back(taps(o, p, in, scales[i]));
      counts.push_back(static_cast<int64_t>(all.back().size()));
    }
    double sum = 0;
    reference::for_each_index(counts, [&](const Ints& pick) {
      double weight = 1;
      int64_t offset = 0;
      for (size_t i = 0; i < pick.size(); ++i) {
        const Tap& tap = all[i][static_cast<size_t>(pick[i])];
        weight *= tap.weight;
        offset = offset * x.shape[static_cast<int>(i)] + tap.index;
      }
      sum += weight * element(x, offset);
    });
    set_element(y, at++, outside ? o.extrapolation : sum);
  });
  return y;
}

Shape scaled(const Shape& shape, const std::vector<float>& scales) {
  Shape out;
  for (int i = 0; i < shape.rank(); ++i) {
    out.push_back(
        static_cast<int64_t>(static_cast<float>(shape[i]) * scales[static_cast<size_t>(i)]));
  }
  return out;
}

TestTensor vector(const std::vector<float>& values) {
  return f32({static_cast<int64_t>(values.size())}, values);
}

OpTest resize_test(const Options& o) {
  OpTest test("Resize", 13);
  test.set("mode", o.mode.c_str()).set("coordinate_transformation_mode", o.coordinates.c_str());
  test.set("nearest_mode", o.rounding.c_str()).set("cubic_coeff_a", static_cast<double>(o.cubic));
  test.set("exclude_outside", o.exclude_outside ? 1 : 0);
  test.set("extrapolation_value", static_cast<double>(o.extrapolation));
  return test.tolerance(1e-5, 1e-5);
}

const std::vector<float> kScales[] = {{1, 1, 2, 2}, {1, 1, 0.6f, 0.6f}, {1, 1, 1.5f, 0.5f},
                                      {1, 1, 1, 3}, {1, 1, 3, 1},       {1, 1, 1, 1}};
const char* const kCoordinates[] = {"half_pixel",         "half_pixel_symmetric",
                                    "pytorch_half_pixel", "align_corners",
                                    "asymmetric",         "tf_half_pixel_for_nn"};

TEST_CASE("Resize by scales in every coordinate mode", "[resize]") {
  for (const Shape& shape : {Shape{1, 3, 4, 5}, Shape{2, 5, 2, 7}}) {
    const TestTensor x = random_f32(shape, 1);
    for (const char* coordinates : kCoordinates) {
      for (const auto& scales : kScales) {
        for (const char* mode : {"nearest", "linear", "cubic"}) {
          Options o;
          o.coordinates = coordinates;
          o.mode = mode;
          const TestTensor y = reference_resize(o, x, scaled(shape, scales), scales);
          resize_test(o).input(x).absent().weight(vector(scales)).expect(y).run();
        }
      }
    }
  }
}

TEST_CASE("Resize to the nearest neighbour in every rounding mode", "[resize]") {
  for (DType dtype : {DType::kFloat32, DType::kUint8, DType::kInt64}) {
    const TestTensor x = random_tensor(dtype, {1, 5, 4, 6}, 1, 0, 100);
    for (const char* rounding : {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}) {
      for (const char* coordinates : {"half_pixel", "asymmetric", "align_corners"}) {
        for (const auto& scales : kScales) {
          Options o;
          o.rounding = rounding;
          o.coordinates = coordinates;
          const TestTensor y = reference_resize(o, x, scaled(x.shape, scales), scales);
          resize_test(o).input(x).absent().weight(vector(scales)).expect(y).run();
        }
      }
    }
  }
}

TEST_CASE("Resize by sizes", "[resize]") {
  const TestTensor x = random_f32({1, 3, 4, 5}, 1);
  for (const Ints& sizes :
       {Ints{1, 3, 7, 9}, Ints{1, 3, 3, 2}, Ints{1, 3, 1, 1}, Ints{1, 3, 4, 8}}) {
    std::vector<float> scales;
    for (int i = 0; i < 4; ++i) {
      scales.push_back(static_cast<float>(sizes[static_cast<size_t>(i)]) /
                       static_cast<float>(x.shape[i]));
    }
    for (const char* mode : {"nearest", "linear", "cubic"}) {
      Options o;
      o.mode = mode;
      o.coordinates = "pytorch_half_pixel";
      const TestTensor y = reference_resize(o, x, Shape(std::span(sizes)), scales);
      resize_test(o).input(x).absent().absent().weight(i64({4}, sizes)).expect(y).run();
      OpTest with_axes = resize_test(o);
      OpTest("Resize", 18)
          .set("mode", mode)
          .set("coordinate_transformation_mode", "pytorch_half_pixel")
          .ints("axes", {3, -2})
          .tolerance(1e-5, 1e-5)
          .input(x)
          .absent()
          .absent()
          .weight(i64({2}, {sizes[3], sizes[2]}))
          .expect(y)
          .run();
    }
  }
}

TEST_CASE("Resize keeps the aspect ratio", "[resize]") {
  const TestTensor x = random_f32({1, 2, 4, 6}, 1);
  for (const auto& [policy, scale] :
       {std::pair("not_larger", 1.25f), std::pair("not_smaller", 2.0f)}) {
    const std::vector<float> scales = {1, 1, scale, scale};
    const Shape out{1, 2, std::lround(4 * scale), std::lround(6 * scale)};
    Options o;
    o.mode = "linear";
    OpTest test("Resize", 18);
    test.set("mode", "linear").set("keep_aspect_ratio_policy", policy).ints("axes", {2, 3});
    test.tolerance(1e-5, 1e-5).input(x).absent().absent().constant(i64({2}, {5, 12}));
    test.expect(reference_resize(o, x, out, scales)).run();
  }
}

TEST_CASE("Resize crops", "[resize]") {
  const TestTensor x = random_f32({1, 2, 5, 6}, 1);
  const std::vector<float> roi = {0, 0, 0.2f, 0.4f, 1, 1, 0.8f, 1.3f};
  const std::vector<float> scales = {1, 1, 0.8f, 1.5f};
  for (const char* mode : {"nearest", "linear", "cubic"}) {
    Options o;
    o.mode = mode;
    o.coordinates = "tf_crop_and_resize";
    o.extrapolation = 10;
    const TestTensor y = reference_resize(o, x, scaled(x.shape, scales), scales, roi);
    resize_test(o).input(x).weight(vector(roi)).weight(vector(scales)).expect(y).run();
  }
}

TEST_CASE("Resize by cubic interpolation without the outside", "[resize]") {
  const TestTensor x = random_f32({1, 2, 4, 4}, 1);
  for (const auto& scales : kScales) {
    Options o;
    o.mode = "cubic";
    o.cubic = -0.5f;
    o.exclude_outside = true;
    const TestTensor y = reference_resize(o, x, scaled(x.shape, scales), scales);
    resize_test(o).input(x).absent().weight(vector(scales)).expect(y).run();
  }
}

// Expected values are those of the ONNX test suite.
TEST_CASE("Resize with antialiasing", "[resize]") {
  std::vector<float> values;
  for (int i = 1; i <= 16; ++i) values.push_back(static_cast<float>(i));
  const TestTensor x = f32({1, 1, 4, 4}, values);
  OpTest("Resize", 18)
      .set("mode", "linear")
      .set("antialias", 1)
      .tolerance(1e-5, 1e-5)
      .input(x)
      .absent()
      .constant(vector({1, 1, 0.6f, 0.6f}))
      .expect(f32({1, 1, 2, 2}, {2.875f, 4.5f, 9.375f, 11.0f}))
      .run();
  OpTest("Resize", 18)
      .set("mode", "cubic")
      .set("antialias", 1)
      .tolerance(1e-5, 1e-5)
      .input(x)
      .absent()
      .constant(vector({1, 1, 0.6f, 0.6f}))
      .expect(f32({1, 1, 2, 2}, {2.5180721f, 4.2858863f, 9.589329f, 11.357142f}))
      .run();
}

TEST_CASE("Resize over one, three and all axes", "[resize]") {
  for (const char* mode : {"nearest", "linear"}) {
    Options o;
    o.mode = mode;
    const TestTensor line = random_f32({2, 3, 7}, 1), volume = random_f32({1, 2, 3, 4, 5}, 2);
    const std::vector<float> one = {1, 1, 2.5f}, three = {1, 1, 2, 0.5f, 1.5f};
    resize_test(o)
        .input(line)
        .absent()
        .weight(vector(one))
        .expect(reference_resize(o, line, scaled(line.shape, one), one))
        .run();
    resize_test(o)
        .input(volume)
        .absent()
        .weight(vector(three))
        .expect(reference_resize(o, volume, scaled(volume.shape, three), three))
        .run();
    const TestTensor x = random_f32({2, 3, 3, 4}, 3);
    const std::vector<float> all = {2, 1.5f, 0.7f, 2};
    resize_test(o)
        .input(x)
        .absent()
        .weight(vector(all))
        .expect(reference_resize(o, x, scaled(x.shape, all), all))
        .run();
  }
}

TEST_CASE("Upsample and Resize of opset 10", "[resize]") {
  const TestTensor x = random_f32({1, 5, 3, 4}, 1);
  for (const char* mode : {"nearest", "linear"}) {
    Options o;
    o.mode = mode;
    o.coordinates = "asymmetric";
    o.simple = true;
    const std::vector<float> up = {1, 1, 2, 3}, down = {1, 1, 0.6f, 0.6f};
    const TestTensor larger = reference_resize(o, x, scaled(x.shape, up), up);
    const TestTensor smaller = reference_resize(o, x, scaled(x.shape, down), down);
    OpTest("Upsample", 7)
        .set("mode", mode)
        .floats("scales", up)
        .tolerance(1e-5, 1e-5)
        .input(x)
        .expect(larger)
        .run();
    OpTest("Upsample", 9)
        .set("mode", mode)
        .tolerance(1e-5, 1e-5)
        .input(x)
        .weight(vector(up))
        .expect(larger)
        .run();
    OpTest("Resize", 10)
        .set("mode", mode)
        .tolerance(1e-5, 1e-5)
        .input(x)
        .weight(vector(down))
        .expect(smaller)
        .run();
  }
}

TEST_CASE("Resize interpolates in other dtypes", "[resize]") {
  const std::vector<float> scales{1, 1, 1.5f, 0.5f};
  for (DType dtype : {DType::kFloat16, DType::kFloat64, DType::kUint8, DType::kInt32}) {
    const TestTensor x = random_tensor(dtype, {1, 2, 4, 6}, 1, 0, 100);
    Options o;
    o.mode = "linear";
    const TestTensor y = reference_resize(o, x, scaled(x.shape, scales), scales);
    OpTest test = resize_test(o);
    if (dtype == DType::kFloat16) test.tolerance(1e-2, 1e-2);
    test.input(x).absent().weight(vector(scales)).expect(y).run();
  }
}

TEST_CASE("Resize refuses what does not fit", "[resize]") {
  const TestTensor x = random_f32({1, 2, 3, 4}, 1);
  const auto resize = [&] {
    OpTest test("Resize", 13);
    test.input(x).absent();
    return test;
  };
  resize().constant(vector({1, 1, 2})).fails(ErrorCode::SHAPE_MISMATCH);
  resize().constant(vector({1, 1, 0, 2})).fails(ErrorCode::VALUE_RANGE);
  resize().constant(vector({1, 1, -1, 2})).fails(ErrorCode::VALUE_RANGE);
  resize().constant(vector({1, 1, NAN, 2})).fails(ErrorCode::VALUE_RANGE);
  resize().constant(vector({1, 1, 1e30f, 2})).fails(ErrorCode::LIMIT_EXCEEDED);
  resize().absent().constant(i64({4}, {1, 2, -3, 4})).fails(ErrorCode::VALUE_RANGE);
  resize().absent().absent().fails(ErrorCode::GRAPH_INPUT_MISSING);
  const TestTensor twice = vector({1, 1, 2, 2});
  resize().set("mode", "fancy").constant(twice).fails(ErrorCode::ATTRIBUTE_INVALID);
  resize().set("nearest_mode", "up").constant(twice).fails(ErrorCode::ATTRIBUTE_INVALID);
  resize()
      .set("coordinate_transformation_mode", "none")
      .constant(twice)
      .fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("Resize", 13)
      .set("mode", "linear")
      .input(make_tensor(DType::kComplex64, {1, 1, 3, 3}))
      .absent()
      .constant(twice)
      .fails(ErrorCode::DTYPE_UNSUPPORTED);
}

}  // namespace
}  // namespace sardonyx::test
