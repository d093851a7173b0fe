// Modules for certain models: with what model_operators lists they are compiled to the same steps,
// and without one of these they are refused.
#include "tools/native/model_lookups.h"

#include <filesystem>
#include <string>
#include <vector>

#include "tests/cpp/golden/golden_case.h"

namespace sardonyx::test {
namespace {

namespace fs = std::filesystem;
using tool::Lookups;

struct Restricted {
  explicit Restricted(const Lookups& lookups) { tool::restrict_lookups(&lookups); }
  ~Restricted() { tool::restrict_lookups(nullptr); }
};

std::vector<std::string> onnx_files(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".onnx") files.push_back(entry.path().string());
  }
  return files;
}

// Those of the repository, and those of ../shared where it is there.
std::vector<std::string> all_models() {
  std::vector<std::string> files = onnx_files(SARDONYX_SOURCE_DIR "/models");
  if (const auto shared = shared_folder()) {
    for (std::string& file : onnx_files(*shared + "/models")) files.push_back(std::move(file));
  }
  return files;
}

std::string steps(const Lowering& lowering) {
  std::string text;
  for (const Step& step : lowering.steps) {
    text += step.node->label() + " " + (step.kernel ? std::string(step.kernel->name()) : "") + "\n";
    for (const StepBody& body : step.bodies) {
      text += body.lowering ? "(" + steps(*body.lowering) + ")\n" : "no body\n";
    }
  }
  return text;
}

Lookups lookups_or_fail(const std::string& file) {
  auto lookups = tool::lookups_of(file);
  require_ok(lookups.status());
  return lookups.take();
}

void run_golden(const Session& session, const std::string& file) {
  const fs::path model(file);
  const std::string data =
      (model.parent_path().parent_path() / "golden" / model.stem() / "test_data_set_1").string();
  if (!fs::is_directory(data)) return;
  auto inputs = read_tensors(data, "input_", input_names(session));
  require_ok(inputs.status());
  Run run(session);
  require_ok(run_session(session, run, *inputs).status());
}

TEST_CASE("what a model asks for is enough for its module", "[lookups]") {
  for (const std::string& file : all_models()) {
    INFO(file);
    const Lookups lookups = lookups_or_fail(file);
    CHECK(lookups.operators.size() < all_operators().size() / 4);
    auto full = load_session(file);
    require_ok(full.status());
    const Restricted restricted(lookups);
    auto custom = load_session(file);
    require_ok(custom.status());
    CHECK(steps((*custom)->lowering()) == steps((*full)->lowering()));
    tool::take_lookups();
    run_golden(**custom, file);
    CHECK(tool::take_lookups().operators.empty());
  }
}

// A weight that is fed is no constant: what the passes do with it changes.
TEST_CASE("what a model asks for is enough when any one of its weights is fed", "[lookups]") {
  int tried = 0;
  for (const std::string& file : all_models()) {
    INFO(file);
    auto graph = load_graph(file);
    require_ok(graph.status());
    std::vector<std::string> weights;
    for (ValueId id : (*graph)->inputs) {
      const Value& value = (*graph)->values[id];
      if (value.optional_input) weights.push_back(value.name);
    }
    if (weights.empty()) continue;
    const Lookups lookups = lookups_or_fail(file);
    const Restricted restricted(lookups);
    for (const std::string& weight : weights) {
      INFO(weight);
      auto again = load_graph(file);
      require_ok(again.status());
      SessionOptions options;
      options.fed_weights = {weight};
      require_ok(Session::create(again.take(), options).status());
      ++tried;
    }
  }
  if (shared_folder()) CHECK(tried > 0);
}

TEST_CASE("a module that lacks one of a model's operators refuses the model or does without",
          "[lookups]") {
  const auto shared = shared_folder();
  std::vector<std::string> files = onnx_files(SARDONYX_SOURCE_DIR "/models");
  for (const char* model : {"silero_vad_v6_op18_ifless", "retinaface_mnet025_qdq_int8",
                            "stories260k_int8dyn", "superres10_qlinear_int8"}) {
    if (shared) files.push_back(*shared + "/models/" + model + ".onnx");
  }
  for (const std::string& file : files) {
    INFO(file);
    const Lookups all = lookups_or_fail(file);
    int refused = 0;
    for (const Operator* missing : all.operators) {
      INFO(missing->domain << "." << missing->name);
      Lookups others = all;
      others.operators.erase(missing);
      const Restricted restricted(others);
      const auto session = load_session(file);
      if (session.ok()) continue;
      ++refused;
      INFO(session.status().message());
      CHECK(session.status().code() == ErrorCode::OPERATOR_UNSUPPORTED);
      CHECK(session.status().op() == missing->name);
    }
    CHECK(refused > 0);
  }
}

}  // namespace
}  // namespace sardonyx::test
