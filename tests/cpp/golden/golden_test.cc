// Trained models against the outputs of another runtime (see README.md of ../shared).
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "tests/cpp/golden/golden_case.h"

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

// How outputs of a model are compared, and from which data set on.
struct Golden {
  const char* model;
  Check check = close_to(0);
  int first_set = 0;
};

// The reference runtime computes sigmoid as 0.5 + r in float32, so that its results are multiples
// of 2^-25. Some outputs of these models have no value above 5e-4.
constexpr double kSigmoidFloor = 0x1p-23;

const std::vector<Golden>& table() {
  static const std::vector<Golden> kTable = {
      // Pictures
      {"mnist_cnn_cntk"},
      {"squeezenet1_0_fp32"},
      {"squeezenet1_0_fp16", check_peak},
      {"squeezenet1_0_qdq_int8", check_top5},
      {"superres10"},
      {"superres10_qlinear_int8", check_picture},
      {"ultraface_rfb320"},
      {"yolox_nano"},
      {"yolox_nano_qdq_int8", check_direction},
      {"yunet_n_dynamic", close_to(kSigmoidFloor)},
      {"retinaface_mnet025_qdq_int8"},
      {"mediapipe_selfie", close_to(kSigmoidFloor)},
      {"ppocr_det_mobile_v2", close_to(0), 1},  // of noise it makes about 1e-8 everywhere
      {"meshnet_brain"},
      // Sound
      {"speech_commands_squeezenet"},
      {"silero_vad_v3_transformer"},
      {"silero_vad_v5"},
      {"silero_vad_v6_op18_ifless"},
      {"dtln_1"},
      {"dtln_2"},
      {"gtcrn_stream"},
      {"fastenhancer_m_wav"},
      {"dpt_m_spec"},
      {"basic_pitch"},
      {"swift_f0"},
      // Text and games
      {"magika_v3_3"},
      {"g2p_arpabet_rnnt"},
      {"santorini_alphazero"},
      {"stories260k_fp32"},
      {"stories260k_fp16", check_peak},
      {"stories260k_int8dyn"},
      {"stories260k_opset23"},
      {"stories260k_gqa_fp32"},
      {"stories260k_gqa_q4"},
      {"stories260k_gqa_q8"},
  };
  return kTable;
}

std::vector<std::string> data_sets(const std::string& folder, int first) {
  constexpr int kSets = 3;  // numbered from 0, some left out
  std::vector<std::string> sets;
  for (int set = first; set < kSets; ++set) {
    const std::string path = folder + "/test_data_set_" + std::to_string(set);
    if (fs::is_directory(path)) sets.push_back(path);
  }
  return sets;
}

TEST_CASE("golden: models", "[golden]") {
  const std::string shared = shared_or_skip();
  for (const Golden& golden : table()) {
    DYNAMIC_SECTION(golden.model) {
      auto session = load_session(shared + "/models/" + golden.model + ".onnx");
      require_ok(session.status());
      const auto sets = data_sets(shared + "/golden/" + golden.model, golden.first_set);
      CHECK(!sets.empty());
      for (const std::string& set : sets) check_data_set(**session, set, golden.check);
    }
  }
}

TEST_CASE("golden: the table has every model", "[golden]") {
  std::set<std::string> files, listed;
  for (const auto& entry : fs::directory_iterator(shared_or_skip() + "/models")) {
    files.insert(entry.path().stem().string());
  }
  for (const Golden& golden : table()) listed.insert(golden.model);
  CHECK(listed == files);
}

}  // namespace
}  // namespace sardonyx::test
