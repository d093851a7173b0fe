#include <catch2/catch_test_macros.hpp>
#include <cstring>

#include "loader/external_data.h"
#include "loader/load_model.h"
#include "tests/cpp/loader/onnx_models.h"

namespace sardonyx::testing {
namespace {

using onnx::TensorProto;

constexpr size_t kFileBytes = 8192;

Payload weights_file() {
  Block block = Block::allocate(kFileBytes).take();
  for (size_t i = 0; i < kFileBytes; ++i) block.data()[i] = static_cast<uint8_t>(i * 31 + i / 256);
  return {std::make_shared<Block>(std::move(block)), 0, kFileBytes};
}

void set_entry(TensorProto& tensor, const std::string& key, const std::string& value) {
  onnx::StringStringEntryProto* entry = tensor.add_external_data();
  entry->set_key(key);
  entry->set_value(value);
}

// small_model() with "m", 1536 bytes, in a file.
onnx::ModelProto external_model(const std::string& location, const std::string& offset,
                                const std::string& length) {
  onnx::ModelProto model = small_model();
  TensorProto& tensor = *model.mutable_graph()->mutable_initializer(1);
  tensor.clear_raw_data();
  tensor.set_data_location(TensorProto::EXTERNAL);
  set_entry(tensor, "location", location);
  if (!offset.empty()) set_entry(tensor, "offset", offset);
  if (!length.empty()) set_entry(tensor, "length", length);
  return model;
}

Result<std::unique_ptr<Graph>> load_with(const onnx::ModelProto& model, const Payload& file) {
  ModelLoader loader;
  const std::string bytes = model.SerializeAsString();
  SX_TRY(loader.push({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}));
  if (file.block) SX_TRY(loader.add_external("weights.bin", file));
  return loader.finish();
}

ConstantPtr matrix(const Graph& graph) {
  for (const Value& value : graph.values) {
    if (value.name == "m") return value.constant;
  }
  return nullptr;
}

TEST_CASE("a range of an external file is used in place") {
  const Payload file = weights_file();
  for (const size_t offset : {size_t{0}, size_t{64}, size_t{4096}, kFileBytes - 1536}) {
    auto graph = load_with(external_model("weights.bin", std::to_string(offset), "1536"), file);
    INFO(graph.status().message());
    REQUIRE(graph.ok());
    const ConstantPtr constant = matrix(**graph);
    REQUIRE(constant);
    CHECK(constant->payload.data() == file.data() + offset);
    CHECK(constant->payload.bytes == 1536);
  }
}

TEST_CASE("a misaligned range is copied") {
  const Payload file = weights_file();
  auto graph = load_with(external_model("weights.bin", "5", "1536"), file);
  REQUIRE(graph.ok());
  const ConstantPtr constant = matrix(**graph);
  CHECK(reinterpret_cast<uintptr_t>(constant->payload.data()) % kBlockAlignment == 0);
  CHECK(memcmp(constant->payload.data(), file.data() + 5, 1536) == 0);
}

TEST_CASE("without a length the range goes to the end of the file") {
  const Payload file = weights_file();
  CHECK(load_with(external_model("weights.bin", "6656", ""), file).ok());
  Payload exact = file;
  exact.bytes = 1536;
  CHECK(load_with(external_model("weights.bin", "", ""), exact).ok());
}

TEST_CASE("bad references are refused with the tensor's name") {
  struct Case {
    const char *location, *offset, *length;
    ErrorCode code;
  };
  const Case cases[] = {
      {"other.bin", "0", "1536", ErrorCode::EXTERNAL_DATA_MISSING},
      {"", "0", "1536", ErrorCode::EXTERNAL_DATA_INVALID},
      {"..", "0", "1536", ErrorCode::EXTERNAL_DATA_INVALID},
      {"../weights.bin", "0", "1536", ErrorCode::EXTERNAL_DATA_INVALID},
      {"/etc/passwd", "0", "1536", ErrorCode::EXTERNAL_DATA_INVALID},
      {"sub\\weights.bin", "0", "1536", ErrorCode::EXTERNAL_DATA_INVALID},
      {"weights.bin", "-1", "1536", ErrorCode::EXTERNAL_DATA_INVALID},
      {"weights.bin", "0", "-1536", ErrorCode::EXTERNAL_DATA_INVALID},
      {"weights.bin", "0x10", "1536", ErrorCode::EXTERNAL_DATA_INVALID},
      {"weights.bin", "8193", "1536", ErrorCode::EXTERNAL_DATA_INVALID},
      {"weights.bin", "6657", "1536", ErrorCode::EXTERNAL_DATA_INVALID},
      {"weights.bin", "0", "8193", ErrorCode::EXTERNAL_DATA_INVALID},
      {"weights.bin", "18446744073709551615", "1536", ErrorCode::EXTERNAL_DATA_INVALID},
      {"weights.bin", "18446744073709551616", "1536", ErrorCode::EXTERNAL_DATA_INVALID},
      {"weights.bin", "999999999999999999", "999999999999999999", ErrorCode::EXTERNAL_DATA_INVALID},
      {"weights.bin", "0", "1535", ErrorCode::TENSOR_PAYLOAD},
      {"weights.bin", "0", "", ErrorCode::TENSOR_PAYLOAD},
  };
  const Payload file = weights_file();
  for (const Case& bad : cases) {
    INFO(bad.location << " " << bad.offset << " " << bad.length);
    const auto graph = load_with(external_model(bad.location, bad.offset, bad.length), file);
    REQUIRE_FALSE(graph.ok());
    CHECK(error_name(graph.status().code()) == error_name(bad.code));
    CHECK(graph.status().tensor() == "m");
  }
}

TEST_CASE("a missing file is named with its tensor") {
  const auto graph = load_with(external_model("weights.bin", "0", "1536"), {});
  REQUIRE_FALSE(graph.ok());
  CHECK(graph.status().code() == ErrorCode::EXTERNAL_DATA_MISSING);
  CHECK(graph.status().tensor() == "m");
  CHECK(graph.status().message().find("weights.bin") != std::string_view::npos);
}

TEST_CASE("external and inline payload together") {
  onnx::ModelProto model = external_model("weights.bin", "0", "1536");
  model.mutable_graph()->mutable_initializer(1)->set_raw_data(std::string(1536, 'r'));
  const auto graph = load_with(model, weights_file());
  REQUIRE_FALSE(graph.ok());
  CHECK(graph.status().code() == ErrorCode::TENSOR_PAYLOAD);
}

TEST_CASE("names of external files") {
  ModelLoader loader;
  CHECK(loader.add_external("a.bin", weights_file()).ok());
  CHECK(loader.add_external("a.bin", weights_file()).code() == ErrorCode::INVALID_ARGUMENT);
  CHECK(loader.add_external("x/a.bin", weights_file()).code() == ErrorCode::INVALID_ARGUMENT);
  CHECK(is_flat_name("a..b"));
  CHECK_FALSE(is_flat_name("."));
  CHECK_FALSE(is_flat_name(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace sardonyx::testing
