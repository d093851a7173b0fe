// Trained models against the outputs of another runtime (see README.md of ../shared).
#include <filesystem>
#include <functional>

#include "tests/cpp/golden/golden_case.h"
#include "tests/cpp/golden/tensor_proto_reader.h"

namespace sardonyx::test {
namespace {

namespace fs = std::filesystem;

using Check = std::function<void(const Constant& actual, const Constant& expected)>;

Check close_to(double floor) {
  return [floor](const Constant& actual, const Constant& expected) {
    CHECK(golden_error(actual, expected, floor) <= 1.0);
  };
}
// What quantized models are held to.
void check_top5(const Constant& actual, const Constant& expected) {
  const Likeness found = likeness(actual, expected);
  CHECK(found.peak_error <= 0.05);
  CHECK(found.same_top5);
}
void check_direction(const Constant& actual, const Constant& expected) {
  CHECK(likeness(actual, expected).cosine >= 0.99);
}
void check_picture(const Constant& actual, const Constant& expected) {
  CHECK(likeness(actual, expected).psnr >= 40);
}

// What models of 16-bit floats are held to.
void check_peak(const Constant& actual, const Constant& expected) {
  CHECK(likeness(actual, expected).peak_error <= 0.01);
}

void check_outputs(const TensorMap& actual, const TensorMap& expected, const Check& check) {
  for (const auto& [name, tensor] : expected) {
    CAPTURE(name);
    const auto found = actual.find(name);
    REQUIRE(found != actual.end());
    CAPTURE(found->second->shape.to_string(), tensor->shape.to_string());
    check(*found->second, *tensor);
  }
}

// Each set runs twice: the second run finds its binding and its arena in use.
void check_data_set(const Session& session, const std::string& folder, const Check& check) {
  CAPTURE(folder);
  auto inputs = read_tensors(folder, "input_", input_names(session));
  require_ok(inputs.status());
  auto expected = read_tensors(folder, "output_", output_names(session));
  require_ok(expected.status());
  Run run(session);
  for (int repetition = 0; repetition < 2; ++repetition) {
    CAPTURE(repetition);
    auto outputs = run_session(session, run, *inputs);
    require_ok(outputs.status());
    check_outputs(*outputs, *expected, check);
  }
}

void check_model(const std::string& model, const Check& check = close_to(0)) {
  const std::string shared = shared_or_skip();
  CAPTURE(model);
  auto session = load_session(shared + "/models/" + model + ".onnx");
  require_ok(session.status());
  int sets = 0;
  for (const auto& entry : fs::directory_iterator(shared + "/golden/" + model)) {
    if (entry.path().filename().string().rfind("test_data_set_", 0) != 0) continue;
    check_data_set(**session, entry.path().string(), check);
    ++sets;
  }
  CHECK(sets > 0);
}

TEST_CASE("golden: mnist_cnn_cntk", "[golden]") {
  check_model("mnist_cnn_cntk");
}
TEST_CASE("golden: ultraface_rfb320", "[golden]") {
  check_model("ultraface_rfb320");
}
TEST_CASE("golden: yolox_nano", "[golden]") {
  check_model("yolox_nano");
}
TEST_CASE("golden: speech_commands_squeezenet", "[golden]") {
  check_model("speech_commands_squeezenet");
}
TEST_CASE("golden: squeezenet1_0_fp32", "[golden]") {
  check_model("squeezenet1_0_fp32");
}
TEST_CASE("golden: superres10", "[golden]") {
  check_model("superres10");
}
// The reference runtime computes sigmoid as 0.5 + r in float32, so that its results are multiples
// of 2^-25. Some outputs of these models have no value above 5e-4.
constexpr double kSigmoidFloor = 0x1p-23;
TEST_CASE("golden: yunet_n_dynamic", "[golden]") {
  check_model("yunet_n_dynamic", close_to(kSigmoidFloor));
}
TEST_CASE("golden: mediapipe_selfie", "[golden]") {
  check_model("mediapipe_selfie", close_to(kSigmoidFloor));
}
TEST_CASE("golden: dtln_1", "[golden]") {
  check_model("dtln_1");
}
TEST_CASE("golden: stories260k_fp32", "[golden]") {
  check_model("stories260k_fp32");
}
TEST_CASE("golden: stories260k_opset23", "[golden]") {
  check_model("stories260k_opset23");
}
TEST_CASE("golden: stories260k_gqa_fp32", "[golden]") {
  check_model("stories260k_gqa_fp32");
}
TEST_CASE("golden: stories260k_gqa_q8", "[golden]") {
  check_model("stories260k_gqa_q8");
}
TEST_CASE("golden: stories260k_gqa_q4", "[golden]") {
  check_model("stories260k_gqa_q4");
}
TEST_CASE("golden: stories260k_fp16", "[golden]") {
  check_model("stories260k_fp16", check_peak);
}

TEST_CASE("golden: squeezenet1_0_qdq_int8", "[golden]") {
  check_model("squeezenet1_0_qdq_int8", check_top5);
}
TEST_CASE("golden: superres10_qlinear_int8", "[golden]") {
  check_model("superres10_qlinear_int8", check_picture);
}
TEST_CASE("golden: yolox_nano_qdq_int8", "[golden]") {
  check_model("yolox_nano_qdq_int8", check_direction);
}
TEST_CASE("golden: stories260k_int8dyn", "[golden]") {
  check_model("stories260k_int8dyn");
}

// Row `index` of a stack of frames, as a tensor of `shape`.
ConstantPtr frame(const Constant& frames, int64_t index, const Shape& shape) {
  auto slice = std::make_shared<Constant>();
  slice->dtype = frames.dtype;
  slice->shape = shape;
  slice->payload = frames.payload;
  slice->payload.bytes = slice->view().bytes();
  slice->payload.offset += static_cast<size_t>(index) * slice->payload.bytes;
  return slice;
}

// 60 frames of speech, the state of each step fed to the next (stream.json).
TEST_CASE("golden: dtln_1 as a stream", "[golden]") {
  const std::string shared = shared_or_skip();
  auto session = load_session(shared + "/models/dtln_1.onnx");
  require_ok(session.status());
  const std::string folder = shared + "/golden/dtln_1/stream/";
  auto frames = testing::read_tensor_proto(folder + "frames.pb");
  require_ok(frames.status());
  auto expected = testing::read_tensor_proto(folder + "seq_activation_2.pb");
  require_ok(expected.status());

  const Shape frame_shape{1, 1, 257};
  auto state = make_constant(DType::kFloat32, {1, 2, 128, 2});
  require_ok(state.status());
  std::fill_n((*state)->view().as<float>(), (*state)->view().elements(), 0.0f);
  TensorMap feeds{{"input_3", state.take()}};
  Run run(**session);
  const int64_t steps = frames->tensor->shape[0];
  REQUIRE(steps == 60);
  REQUIRE(frames->tensor->view().elements() == steps * 257);
  REQUIRE(expected->tensor->view().elements() == steps * 257);
  for (int64_t step = 0; step < steps; ++step) {
    CAPTURE(step);
    feeds["input_2"] = frame(*frames->tensor, step, frame_shape);
    auto outputs = run_session(**session, run, feeds);
    require_ok(outputs.status());
    const ConstantPtr wanted = frame(*expected->tensor, step, frame_shape);
    REQUIRE(golden_error(*outputs->at("activation_2"), *wanted) <= 1.0);
    feeds["input_3"] = outputs->at("tf_op_layer_stack_2");
  }
}

}  // namespace
}  // namespace sardonyx::test
