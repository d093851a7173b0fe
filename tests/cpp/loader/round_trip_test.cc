// Loading the same model in chunks of any size gives the same graph, with every byte of it.
#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <set>
#include <unordered_map>

#include "loader/load_model.h"
#include "loader/splitter.h"
#include "tests/cpp/loader/onnx_models.h"

namespace sardonyx::testing {
namespace {

std::unique_ptr<Graph> loaded(std::string_view bytes, size_t chunk) {
  auto graph = load(bytes, chunk);
  INFO(graph.status().message());
  REQUIRE(graph.ok());
  return graph.take();
}

const Value& value_named(const Graph& graph, std::string_view name) {
  for (const Value& value : graph.values) {
    if (value.name == name) return value;
  }
  FAIL("no value " << name);
  return graph.values[0];
}

template <typename T>
T element(const Graph& graph, std::string_view name, size_t index) {
  const ConstantPtr constant = value_named(graph, name).constant;
  REQUIRE(constant);
  REQUIRE(constant->dtype == kDTypeOf<T>);
  T value;
  memcpy(&value, constant->payload.data() + index * sizeof(T), sizeof(T));
  return value;
}

TEST_CASE("chunks of every size give one graph") {
  const std::string bytes = large_model().SerializeAsString();
  const std::string whole = describe(*loaded(bytes, 0));
  for (size_t chunk = 1; chunk <= 17; ++chunk) {
    INFO("chunks of " << chunk);
    REQUIRE(describe(*loaded(bytes, chunk)) == whole);
  }
  for (const size_t chunk : {64, 999, 1024, 4096, 65536, 100'000}) {
    INFO("chunks of " << chunk);
    REQUIRE(describe(*loaded(bytes, chunk)) == whole);
  }
}

TEST_CASE("every form of payload arrives") {
  const onnx::ModelProto model = large_model();
  const auto graph = loaded(model.SerializeAsString(), 0);
  std::unordered_map<std::string, const onnx::TensorProto*> tensors;
  for (const onnx::TensorProto& tensor : model.graph().initializer()) {
    tensors[tensor.name()] = &tensor;
  }
  for (const char* name : {"raw_small", "raw_edge", "raw_large", "raw_huge"}) {
    const ConstantPtr constant = value_named(*graph, name).constant;
    const std::string& raw = tensors[name]->raw_data();
    REQUIRE(constant->payload.bytes == raw.size());
    CHECK(memcmp(constant->payload.data(), raw.data(), raw.size()) == 0);
    CHECK(reinterpret_cast<uintptr_t>(constant->payload.data()) % kBlockAlignment == 0);
  }
  CHECK(value_named(*graph, "none").constant->payload.bytes == 0);
  for (const std::string suffix : {".small", ".large"}) {
    const size_t last = suffix == ".small" ? 6 : 1499;
    const int i = static_cast<int>(last);
    CHECK(element<float>(*graph, "floats" + suffix, last) == static_cast<float>(i) * 0.5f);
    CHECK(element<double>(*graph, "doubles" + suffix, last) == i * 0.25);
    CHECK(element<int64_t>(*graph, "longs" + suffix, last) ==
          (i % 2 ? -i * int64_t{123456789012} : i));
    CHECK(element<uint64_t>(*graph, "unsigned_longs" + suffix, last) ==
          UINT64_MAX - static_cast<uint64_t>(i));
    CHECK(element<uint32_t>(*graph, "unsigned_ints" + suffix, last) ==
          UINT32_MAX - static_cast<uint32_t>(i));
    CHECK(element<int8_t>(*graph, "bytes" + suffix, last) == i % 256 - 128);
    const ConstantPtr halves = value_named(*graph, "halves" + suffix).constant;
    CHECK(halves->dtype == DType::kFloat16);
    CHECK(halves->payload.data()[2 * last] + 256 * halves->payload.data()[2 * last + 1] ==
          0x3c00 + i % 1000);
    const ConstantPtr nibbles = value_named(*graph, "nibbles" + suffix).constant;
    CHECK(nibbles->payload.bytes == last + 1);
    CHECK(nibbles->payload.data()[last] == i % 256);
    const ConstantPtr bools = value_named(*graph, "bools" + suffix).constant;
    CHECK(bools->payload.data()[last] == i % 2);
  }
}

TEST_CASE("the skeleton with the payloads put back is the model") {
  onnx::ModelProto expected = large_model();
  expected.clear_doc_string();
  onnx::GraphProto& graph = *expected.mutable_graph();
  graph.clear_doc_string();
  graph.mutable_input(0)->clear_doc_string();
  graph.mutable_node(0)->clear_doc_string();
  Splitter splitter;
  const std::string bytes = large_model().SerializeAsString();
  const std::span<const uint8_t> all(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  REQUIRE(splitter.push(all).ok());
  REQUIRE(splitter.finish().ok());
  CHECK(splitter.skeleton().size() < 24'000);
  onnx::ModelProto skeleton;
  REQUIRE(splitter.skeleton().parse(skeleton));
  const std::vector<StoredPayload> stored = splitter.take_stored();
  size_t used = 0;
  const auto put_back = [&](onnx::TensorProto& tensor) {
    if (!tensor.has_segment()) return;
    const StoredPayload& payload = stored.at(static_cast<size_t>(tensor.segment().begin()));
    tensor.clear_segment();
    // A field of wire type 2 as it stood in the file.
    std::string field(1, static_cast<char>(payload.field << 3 | 2));
    size_t length = payload.payload.bytes;
    for (; length >= 128; length >>= 7) field += static_cast<char>(length | 128);
    field += static_cast<char>(length);
    field.append(reinterpret_cast<const char*>(payload.payload.data()), payload.payload.bytes);
    REQUIRE(tensor.MergeFromString(field));
    ++used;
  };
  for (onnx::TensorProto& tensor : *skeleton.mutable_graph()->mutable_initializer()) {
    put_back(tensor);
  }
  for (onnx::NodeProto& node : *skeleton.mutable_graph()->mutable_node()) {
    for (onnx::AttributeProto& attribute : *node.mutable_attribute()) {
      if (attribute.has_t()) put_back(*attribute.mutable_t());
      if (!attribute.has_g()) continue;
      for (onnx::TensorProto& tensor : *attribute.mutable_g()->mutable_initializer()) {
        put_back(tensor);
      }
    }
  }
  CHECK(used == stored.size());
  CHECK(skeleton.SerializeAsString() == expected.SerializeAsString());
}

TEST_CASE("large payloads are not copied again") {
  const std::string bytes = large_model().SerializeAsString();
  const size_t before = block_bytes_in_use();
  const auto graph = loaded(bytes, 4096);
  size_t constants = 0;
  std::set<const Block*> blocks;
  const auto count = [&](const ConstantPtr& constant) {
    if (blocks.insert(constant->payload.block.get()).second) {
      constants += constant->payload.block->size();
    }
  };
  for (const Value& value : graph->values) {
    if (value.constant) count(value.constant);
  }
  for (const Node& node : graph->nodes) {
    for (const Attribute& attribute : node.attributes.all()) {
      if (auto* tensor = std::get_if<ConstantPtr>(&attribute.value)) count(*tensor);
      if (auto* body = std::get_if<std::shared_ptr<Graph>>(&attribute.value)) {
        for (const Value& value : (*body)->values) {
          if (value.constant) count(value.constant);
        }
      }
    }
  }
  CHECK(block_bytes_in_use() - before == constants);
}

TEST_CASE("types, symbols and defaults of inputs") {
  onnx::ModelProto model = small_model();
  model.set_ir_version(3);
  add_float_input(*model.mutable_graph(), "w", {4});
  auto* dynamic = add_float_input(*model.mutable_graph(), "s", {-1})->mutable_type();
  dynamic->mutable_tensor_type()->mutable_shape()->add_dim()->set_dim_param("batch");
  dynamic->mutable_tensor_type()->mutable_shape()->add_dim()->set_dim_value(7);
  const auto graph = loaded(model.SerializeAsString(), 0);
  REQUIRE(graph->inputs.size() == 3);
  CHECK_FALSE(value_named(*graph, "x").optional_input);
  CHECK(value_named(*graph, "w").optional_input);
  CHECK(value_named(*graph, "w").constant);
  const Value& s = value_named(*graph, "s");
  CHECK(s.shape == Shape({kUnknownDim, kUnknownDim, 7}));
  CHECK(s.dim_symbols == std::vector<std::string>{"", "batch", ""});
  CHECK(graph->producer == "sardonyx tests 1");
  CHECK(graph->warnings.empty());
}

TEST_CASE("subgraphs capture outer values and share outer constants") {
  const auto graph = loaded(large_model().SerializeAsString(), 0);
  const Node* choose = nullptr;
  for (const Node& node : graph->nodes) {
    if (node.type == "If") choose = &node;
  }
  REQUIRE(choose);
  REQUIRE(choose->inputs.size() == 3);  // cond, h for each branch
  CHECK(graph->values[choose->inputs[1]].name == "h");
  CHECK(graph->values[choose->inputs[2]].name == "h");
  const auto* body = std::get_if<std::shared_ptr<Graph>>(choose->attributes.find("then_branch"));
  REQUIRE(body);
  CHECK((*body)->captured == 1);
  REQUIRE((*body)->inputs.size() == 1);
  CHECK((*body)->values[(*body)->inputs[0]].name == "h");
  CHECK(value_named(**body, "raw_large").constant == value_named(*graph, "raw_large").constant);
  CHECK((*body)->opsets.at("") == 17);
}

TEST_CASE("newer and older versions give a warning and a try") {
  for (const int ir : {2, 14, 20}) {
    onnx::ModelProto model = small_model();
    model.set_ir_version(ir);
    CHECK(loaded(model.SerializeAsString(), 0)->warnings.size() == 1);
  }
  for (const int opset : {29, 100}) {
    onnx::ModelProto model = small_model();
    model.mutable_opset_import(0)->set_version(opset);
    CHECK(loaded(model.SerializeAsString(), 0)->warnings.size() == 1);
  }
  for (const int ir : {3, 13}) {
    onnx::ModelProto model = small_model();
    model.set_ir_version(ir);
    model.mutable_opset_import(0)->set_version(ir == 3 ? 1 : 28);
    model.mutable_opset_import(0)->set_domain("ai.onnx");
    const auto graph = loaded(model.SerializeAsString(), 0);
    CHECK(graph->warnings.empty());
    CHECK(graph->opsets.at("") == (ir == 3 ? 1 : 28));
  }
}

TEST_CASE("a loader that has finished or failed stays so") {
  ModelLoader loader;
  const std::string bytes = small_model().SerializeAsString();
  const std::span<const uint8_t> all(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  REQUIRE(loader.push(all).ok());
  REQUIRE(loader.finish().ok());
  CHECK(loader.push(all).code() == ErrorCode::INVALID_ARGUMENT);
  CHECK(loader.finish().status().code() == ErrorCode::INVALID_ARGUMENT);

  ModelLoader failed;
  const uint8_t junk[] = {0xff, 0xff};
  CHECK(failed.push(junk).ok());
  const uint8_t more[] = {0x00};
  CHECK(failed.push(more).code() == ErrorCode::MODEL_MALFORMED);
  CHECK(failed.push(all).code() == ErrorCode::MODEL_MALFORMED);
  CHECK(failed.add_external("w", {}).code() == ErrorCode::MODEL_MALFORMED);
  CHECK(failed.finish().status().code() == ErrorCode::MODEL_MALFORMED);
}

}  // namespace
}  // namespace sardonyx::testing
