// Thousands of damaged models, the same in every run: each loads or is refused with a typed error.
#include <catch2/catch_test_macros.hpp>
#include <random>

#include "tests/cpp/loader/onnx_models.h"

namespace sardonyx::testing {
namespace {

// The model's payloads shortened, so that most mutations hit structure.
std::string seed_model() {
  onnx::ModelProto model = small_model();
  onnx::GraphProto& graph = *model.mutable_graph();
  auto* node = add_node(graph, "If", {"y"}, {"z"});
  onnx::GraphProto* body =
      add_attribute(*node, "then_branch", onnx::AttributeProto::GRAPH)->mutable_g();
  fill_raw(*body->add_initializer(), "b", onnx::TensorProto::FLOAT, {256}, 1024);
  add_node(*body, "Add", {"h", "b"}, {"inner"});
  add_output(*body, "inner");
  auto* longs = graph.add_initializer();
  longs->set_name("longs");
  longs->set_data_type(onnx::TensorProto::INT64);
  longs->add_dims(600);
  for (int i = 0; i < 600; ++i) longs->add_int64_data(i * i);
  auto* info = graph.add_value_info();
  info->set_name("h");
  info->mutable_type()->mutable_tensor_type()->mutable_shape()->add_dim()->set_dim_param("n");
  return model.SerializeAsString();
}

std::string mutate(std::string bytes, std::mt19937& random) {
  const unsigned count = 1 + random() % 4;
  for (unsigned i = 0; i < count && !bytes.empty(); ++i) {
    const size_t at = random() % bytes.size();
    const size_t length = 1 + random() % 8;
    switch (random() % 6) {
      case 0:
        bytes[at] = static_cast<char>(random());
        break;
      case 1:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
        break;
      case 2:
        bytes.erase(at, length);
        break;
      case 3:
        bytes.insert(at, bytes.substr(random() % bytes.size(), length));
        break;
      case 4:
        bytes.insert(at, length, '\xff');
        break;
      default:
        bytes.resize(at);
    }
  }
  return bytes;
}

TEST_CASE("mutants load or are refused") {
  const std::string seed = seed_model();
  REQUIRE(load(seed).ok());
  std::mt19937 random(7);
  int accepted = 0;
  const size_t before = block_bytes_in_use();
  for (int round = 0; round < 12'000; ++round) {
    const std::string bytes = mutate(seed, random);
    const auto graph = load(bytes, round % 3 ? 0 : 1 + random() % 50);
    if (graph.ok()) {
      ++accepted;
      REQUIRE_FALSE(describe(*graph.value()).empty());
    } else {
      const ErrorCode code = graph.status().code();
      INFO(error_name(code) << ": " << graph.status().message());
      REQUIRE(code >= ErrorCode::MODEL_EMPTY);
      REQUIRE(code <= ErrorCode::LIMIT_EXCEEDED);
    }
  }
  CHECK(block_bytes_in_use() == before);
  CHECK(accepted > 500);
}

TEST_CASE("mutants give the same result in every chunking") {
  const std::string seed = seed_model();
  std::mt19937 random(11);
  for (int round = 0; round < 1500; ++round) {
    const std::string bytes = mutate(seed, random);
    const auto whole = load(bytes);
    const auto pieces = load(bytes, 1 + random() % 9);
    REQUIRE(whole.ok() == pieces.ok());
    if (whole.ok()) {
      REQUIRE(describe(*whole.value()) == describe(*pieces.value()));
    } else {
      REQUIRE(whole.status().code() == pieces.status().code());
      REQUIRE(whole.status().message() == pieces.status().message());
    }
  }
}

}  // namespace
}  // namespace sardonyx::testing
