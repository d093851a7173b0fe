// The real models of ../shared: each loads, alike in every chunking, with the payloads that plain
// protobuf finds.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <filesystem>
#include <map>

#include "loader/tensor_decode.h"
#include "tests/cpp/loader/onnx_models.h"

namespace sardonyx::testing {
namespace {

std::vector<std::string> onnx_files(const std::string& folder, bool recursive) {
  std::vector<std::string> files;
  const auto take = [&](const std::filesystem::directory_entry& entry) {
    if (entry.path().extension() == ".onnx") files.push_back(entry.path().string());
  };
  if (recursive) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) take(entry);
  } else {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) take(entry);
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string shared_or_skip() {
  const std::string shared = shared_folder();
  if (shared.empty()) SKIP("../shared is not there: set SARDONYX_SHARED to its path");
  return shared;
}

void check_initializers(const Graph& graph, const std::string& bytes) {
  onnx::ModelProto model;
  REQUIRE(model.ParseFromString(bytes));
  std::map<std::string, ConstantPtr> constants;
  for (const Value& value : graph.values) {
    if (value.constant) constants[value.name] = value.constant;
  }
  for (const onnx::TensorProto& tensor : model.graph().initializer()) {
    auto expected = decode_tensor(tensor, {});
    REQUIRE(expected.ok());
    const ConstantPtr actual = constants[tensor.name()];
    REQUIRE(actual);
    REQUIRE(actual->dtype == (*expected)->dtype);
    REQUIRE(actual->shape == (*expected)->shape);
    REQUIRE(actual->payload.bytes == (*expected)->payload.bytes);
    REQUIRE(std::equal(actual->payload.data(), actual->payload.data() + actual->payload.bytes,
                       (*expected)->payload.data()));
  }
  REQUIRE(graph.nodes.size() == static_cast<size_t>(model.graph().node_size()));
}

TEST_CASE("real models load in every chunking") {
  const std::vector<std::string> files = onnx_files(shared_or_skip() + "/models", false);
  CHECK(files.size() >= 35);
  for (const std::string& file : files) {
    INFO(file);
    const std::string bytes = read_file(file);
    auto whole = load(bytes);
    INFO(whole.status().message());
    REQUIRE(whole.ok());
    check_initializers(**whole, bytes);
    const std::string expected = describe(**whole);
    for (const size_t chunk : {1, 7, 1000, 4096, 65536}) {
      INFO("chunks of " << chunk);
      auto pieces = load(bytes, chunk);
      REQUIRE(pieces.ok());
      REQUIRE(describe(**pieces) == expected);
    }
  }
}

// Sparse tensors and maps are refused with a code of their own.
TEST_CASE("the models of ONNX's own suite load or are refused as unsupported") {
  const std::string shared = shared_or_skip();
  int loaded = 0, refused = 0;
  for (const char* folder : {"/onnx-node", "/onnx-node-old"}) {
    for (const std::string& file : onnx_files(shared + folder, true)) {
      INFO(file);
      auto graph = load(read_file(file), 4096);
      if (graph.ok()) {
        ++loaded;
        continue;
      }
      ++refused;
      const ErrorCode code = graph.status().code();
      INFO(error_name(code) << ": " << graph.status().message());
      REQUIRE((code == ErrorCode::MODEL_UNSUPPORTED || code == ErrorCode::DTYPE_UNSUPPORTED));
    }
  }
  WARN("loaded " << loaded << " models of ONNX's suite, refused " << refused);
  CHECK(loaded > 3000);
}

}  // namespace
}  // namespace sardonyx::testing
