// Models of sound with a state, frame after frame, the state of each step fed to the next.
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/cpp/golden/golden_case.h"
#include "tests/cpp/golden/reference_json.h"
#include "tests/cpp/golden/tensor_proto_reader.h"

namespace sardonyx::test {
namespace {

// Tensor `index` of a stack of frames.
ConstantPtr frame(const Constant& frames, int64_t index) {
  auto slice = std::make_shared<Constant>();
  slice->dtype = frames.dtype;
  slice->shape = Shape(frames.shape.dims().subspan(1));
  slice->payload = frames.payload;
  slice->payload.bytes = slice->view().bytes();
  slice->payload.offset += static_cast<size_t>(index) * slice->payload.bytes;
  return slice;
}

ConstantPtr zeros(std::string_view dims) {
  Shape shape;
  for (double dim : json_numbers(dims)) REQUIRE(shape.push_back(static_cast<int64_t>(dim)));
  auto made = make_constant(DType::kFloat32, shape);
  require_ok(made.status());
  std::memset((*made)->view().data, 0, (*made)->view().bytes());
  return made.take();
}

ConstantPtr integer(std::string_view text) {
  auto made = make_constant(DType::kInt64, {});
  require_ok(made.status());
  *(*made)->view().as<int64_t>() = static_cast<int64_t>(json_numbers(text).at(0));
  return made.take();
}

// What stream.json says, and the tensors beside it.
struct Stream {
  std::string frame_input;
  TensorMap feeds;                                         // state and constant inputs
  std::vector<std::pair<std::string, std::string>> state;  // output and the input that it becomes
  ConstantPtr frames;
  TensorMap expected;  // by output, all steps
};

ConstantPtr read_stack(const std::string& path, int64_t steps) {
  auto read = testing::read_tensor_proto(path);
  require_ok(read.status());
  REQUIRE(read->tensor->shape.rank() > 0);
  REQUIRE(read->tensor->shape[0] == steps);
  return read->tensor;
}

Stream read_stream(const std::string& folder) {
  Stream stream;
  const std::string json = read_text(folder + "/stream.json");
  const auto steps = static_cast<int64_t>(json_numbers(json_value(json, "steps")).at(0));
  stream.frame_input = json_strings(json_value(json, "frame_input")).at(0);
  const std::string_view state = json_value(json, "state_init_zero");
  for (const std::string& name : json_strings(state)) {
    stream.feeds[name] = zeros(json_value(state, name));
  }
  const std::string_view constants = json_value(json, "const_inputs");
  for (const std::string& name : json_strings(constants)) {
    stream.feeds[name] = integer(json_value(constants, name));
  }
  const auto pairs = json_strings(json_value(json, "state_map_out_to_in"));
  for (size_t i = 0; i + 1 < pairs.size(); i += 2) {
    stream.state.emplace_back(pairs[i], pairs[i + 1]);
  }
  stream.frames = read_stack(folder + "/frames.pb", steps);
  for (const std::string& file : json_strings(json_value(json, "outputs"))) {
    const std::string name = std::filesystem::path(file).stem().string().substr(4);  // seq_
    stream.expected[name] = read_stack(folder + "/" + file, steps);
  }
  return stream;
}

void check_stream(const Session& session, Stream stream) {
  REQUIRE(!stream.expected.empty());
  REQUIRE(!stream.state.empty());
  Run run(session);
  for (int64_t step = 0; step < stream.frames->shape[0]; ++step) {
    CAPTURE(step);
    stream.feeds[stream.frame_input] = frame(*stream.frames, step);
    auto outputs = run_session(session, run, stream.feeds);
    require_ok(outputs.status());
    for (const auto& [name, all] : stream.expected) {
      CAPTURE(name);
      REQUIRE(golden_error(*outputs->at(name), *frame(*all, step)) <= 1.0);
    }
    for (const auto& [from, to] : stream.state) stream.feeds[to] = outputs->at(from);
  }
}

TEST_CASE("golden: streams", "[golden]") {
  const std::string shared = shared_or_skip();
  for (const std::string model :
       {"dpt_m_spec", "dtln_1", "dtln_2", "fastenhancer_m_wav", "gtcrn_stream",
        "silero_vad_v3_transformer", "silero_vad_v5", "silero_vad_v6_op18_ifless"}) {
    DYNAMIC_SECTION(model) {
      auto session = load_session(shared + "/models/" + model + ".onnx");
      require_ok(session.status());
      check_stream(**session, read_stream(shared + "/golden/" + model + "/stream"));
    }
  }
}

}  // namespace
}  // namespace sardonyx::test
