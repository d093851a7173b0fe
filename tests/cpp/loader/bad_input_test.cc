// Every malformed model is refused with a code and the names of node and tensor.
#include <catch2/catch_test_macros.hpp>
#include <functional>
#include <random>

#include "loader/load_model.h"
#include "loader/splitter.h"
#include "tests/cpp/loader/onnx_models.h"

namespace sardonyx::testing {
namespace {

using onnx::AttributeProto;
using onnx::GraphProto;
using onnx::TensorProto;

struct Expected {
  ErrorCode code;
  std::string tensor = "";
  std::string node = "";
};

// Whole and in small chunks alike; nothing may stay allocated.
void refused(const std::string& bytes, const Expected& expected) {
  for (const size_t chunk : {size_t{0}, size_t{3}}) {
    const size_t before = block_bytes_in_use();
    const auto graph = load(bytes, chunk);
    REQUIRE_FALSE(graph.ok());
    const Status& status = graph.status();
    INFO(status.message());
    CHECK(error_name(status.code()) == error_name(expected.code));
    CHECK(status.tensor() == expected.tensor);
    CHECK(status.node() == expected.node);
    CHECK_FALSE(status.message().empty());
    CHECK(block_bytes_in_use() == before);
  }
}

void refused(const std::function<void(onnx::ModelProto&)>& spoil, const Expected& expected) {
  onnx::ModelProto model = small_model();
  spoil(model);
  refused(model.SerializeAsString(), expected);
}

TensorProto& large_weight(onnx::ModelProto& model) {
  return *model.mutable_graph()->mutable_initializer(1);
}
TensorProto& small_weight(onnx::ModelProto& model) {
  return *model.mutable_graph()->mutable_initializer(0);
}

TEST_CASE("empty file") {
  refused("", {ErrorCode::MODEL_EMPTY});
}

TEST_CASE("a file cut at any byte") {
  const std::string bytes = small_model().SerializeAsString();
  for (size_t size = 1; size < bytes.size(); ++size) {
    INFO("the first " << size << " bytes");
    const auto graph = load(std::string_view(bytes).substr(0, size));
    REQUIRE_FALSE(graph.ok());
    REQUIRE(graph.status().code() == ErrorCode::MODEL_TRUNCATED);
  }
  const size_t in_payload = bytes.find(small_model().graph().initializer(1).raw_data()) + 700;
  refused(bytes.substr(0, in_payload), {ErrorCode::MODEL_TRUNCATED, "m"});
}

TEST_CASE("files of other formats") {
  const std::string zeros(4096, '\0');
  const std::vector<std::string> files = {
      zeros,
      "\x89PNG\r\n\x1a\n" + zeros,
      "\xff\xd8\xff\xe0" + zeros,
      "PK\x03\x04" + zeros,
      "GGUF" + zeros,
      "\x1c\0\0\0TFL3" + zeros,
      "\x1f\x8b\x08" + zeros,
      "<!DOCTYPE html><html></html>",
      "version https://git-lfs.github.com/spec/v1\noid sha256:00",
      "{\"model\": 1}",
      std::string(1, '\n'),
  };
  for (const std::string& file : files) {
    INFO(file.substr(0, 20));
    const auto graph = load(file);
    REQUIRE_FALSE(graph.ok());
    CHECK(error_name(graph.status().code()) == "MODEL_MALFORMED");
  }
}

TEST_CASE("random bytes") {
  std::mt19937 random(20240117);
  int malformed = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(1 + random() % 4000, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    const auto graph = load(bytes, random() % 100);
    REQUIRE_FALSE(graph.ok());
    const ErrorCode code = graph.status().code();
    INFO(error_name(code));
    REQUIRE((code == ErrorCode::MODEL_MALFORMED || code == ErrorCode::MODEL_TRUNCATED));
    malformed += code == ErrorCode::MODEL_MALFORMED;
  }
  CHECK(malformed > 1950);
}

TEST_CASE("garbage behind the model") {
  refused(small_model().SerializeAsString() + std::string(8, '\0'), {ErrorCode::MODEL_MALFORMED});
}

TEST_CASE("dims") {
  refused([](auto& model) { large_weight(model).set_dims(0, -4); }, {ErrorCode::TENSOR_DIMS, "m"});
  refused([](auto& model) { small_weight(model).set_dims(0, -4); }, {ErrorCode::TENSOR_DIMS, "w"});
  refused([](auto& model) { large_weight(model).set_dims(0, INT64_MAX); },
          {ErrorCode::TENSOR_DIMS, "m"});
  refused(
      [](auto& model) {
        small_weight(model).set_dims(0, int64_t{1} << 32);
        small_weight(model).add_dims(int64_t{1} << 32);
      },
      {ErrorCode::TENSOR_DIMS, "w"});
  refused([](auto& model) { large_weight(model).set_dims(0, int64_t{1} << 40); },
          {ErrorCode::LIMIT_EXCEEDED, "m"});
  for (TensorProto& (*weight)(onnx::ModelProto&) : {small_weight, large_weight}) {
    refused(
        [&](auto& model) {
          for (int i = 0; i < 20; ++i) weight(model).add_dims(1);
        },
        {ErrorCode::LIMIT_EXCEEDED, weight == small_weight ? "w" : "m"});
  }
  refused(
      [](auto& model) {
        model.mutable_graph()
            ->mutable_input(0)
            ->mutable_type()
            ->mutable_tensor_type()
            ->mutable_shape()
            ->mutable_dim(0)
            ->set_dim_value(-2);
      },
      {ErrorCode::TENSOR_DIMS, "x"});
  refused(
      [](auto& model) {
        auto* shape = model.mutable_graph()
                          ->mutable_input(0)
                          ->mutable_type()
                          ->mutable_tensor_type()
                          ->mutable_shape();
        shape->mutable_dim(0)->set_dim_value(INT64_MAX);
      },
      {ErrorCode::TENSOR_DIMS, "x"});
  refused(
      [](auto& model) { add_float_input(*model.mutable_graph(), "z", std::vector<int64_t>(9, 1)); },
      {ErrorCode::LIMIT_EXCEEDED, "z"});
}

TEST_CASE("dtypes") {
  for (const int dtype : {0, -1, 27, 100, INT32_MAX}) {
    refused([&](auto& model) { small_weight(model).set_data_type(dtype); },
            {ErrorCode::DTYPE_UNSUPPORTED, "w"});
    refused([&](auto& model) { large_weight(model).set_data_type(dtype); },
            {ErrorCode::DTYPE_UNSUPPORTED, "m"});
  }
  refused(
      [](auto& model) {
        model.mutable_graph()
            ->mutable_input(0)
            ->mutable_type()
            ->mutable_tensor_type()
            ->set_elem_type(77);
      },
      {ErrorCode::DTYPE_UNSUPPORTED, "x"});
  refused(
      [](auto& model) {
        small_weight(model).clear_raw_data();
        small_weight(model).set_data_type(TensorProto::STRING);
        for (int i = 0; i < 5; ++i) small_weight(model).add_string_data("text");
      },
      {ErrorCode::TENSOR_PAYLOAD, "w"});
  refused(
      [](auto& model) {
        small_weight(model).clear_raw_data();
        small_weight(model).set_data_type(TensorProto::STRING);
        for (int i = 0; i < 4; ++i) small_weight(model).add_string_data("\xc3(");
      },
      {ErrorCode::TENSOR_PAYLOAD, "w"});
}

TEST_CASE("payloads") {
  for (const size_t bytes : {0, 4, 15, 17, 1024, 70'000}) {
    refused([&](auto& model) { small_weight(model).set_raw_data(std::string(bytes, 'x')); },
            {ErrorCode::TENSOR_PAYLOAD, "w"});
  }
  for (const size_t bytes : {0, 4, 1024, 1535, 1537, 70'000}) {
    refused([&](auto& model) { large_weight(model).set_raw_data(std::string(bytes, 'x')); },
            {ErrorCode::TENSOR_PAYLOAD, "m"});
  }
  refused([](auto& model) { small_weight(model).clear_raw_data(); },
          {ErrorCode::TENSOR_PAYLOAD, "w"});
  refused([](auto& model) { small_weight(model).add_float_data(1); },
          {ErrorCode::TENSOR_PAYLOAD, "w"});
  refused(
      [](auto& model) {
        for (int i = 0; i < 384; ++i) large_weight(model).add_float_data(1);
      },
      {ErrorCode::TENSOR_PAYLOAD, "m"});
  refused(
      [](auto& model) {
        small_weight(model).clear_raw_data();
        for (int i = 0; i < 4; ++i) small_weight(model).add_int32_data(1);
      },
      {ErrorCode::TENSOR_PAYLOAD, "w"});
  refused(
      [](auto& model) {
        large_weight(model).clear_raw_data();
        for (int i = 0; i < 384; ++i) large_weight(model).add_double_data(1);
      },
      {ErrorCode::TENSOR_PAYLOAD, "m"});
  for (const int count : {383, 385, 4000}) {
    refused(
        [&](auto& model) {
          large_weight(model).clear_raw_data();
          large_weight(model).set_data_type(TensorProto::INT32);
          for (int i = 0; i < count; ++i) large_weight(model).add_int32_data(1 << 20);
        },
        {ErrorCode::TENSOR_PAYLOAD, "m"});
  }
  for (const int value : {-129, 256, INT32_MAX}) {
    refused(
        [&](auto& model) {
          small_weight(model).clear_raw_data();
          small_weight(model).set_data_type(TensorProto::INT8);
          for (int i = 0; i < 4; ++i) small_weight(model).add_int32_data(value);
        },
        {ErrorCode::TENSOR_PAYLOAD, "w"});
  }
  refused([](auto& model) { small_weight(model).mutable_segment()->set_begin(0); },
          {ErrorCode::MODEL_UNSUPPORTED, "w"});
  refused([](auto& model) { large_weight(model).mutable_segment()->set_begin(0); },
          {ErrorCode::MODEL_UNSUPPORTED, "m"});
}

TEST_CASE("a large payload in an attribute names its node") {
  refused(
      [](auto& model) {
        auto* node = add_node(*model.mutable_graph(), "Constant", {}, {"c"});
        node->set_name("fixed");
        TensorProto* tensor = add_attribute(*node, "value", AttributeProto::TENSOR)->mutable_t();
        fill_raw(*tensor, "t", TensorProto::FLOAT, {100}, 2000);
      },
      {ErrorCode::TENSOR_PAYLOAD, "t", "fixed"});
  refused(
      [](auto& model) {
        auto* node = add_node(*model.mutable_graph(), "Constant", {}, {"c"});
        node->set_name("fixed");
        TensorProto* tensor = add_attribute(*node, "value", AttributeProto::TENSOR)->mutable_t();
        fill_raw(*tensor, "t", TensorProto::FLOAT, {-1}, 4);
        tensor->clear_name();
      },
      {ErrorCode::TENSOR_DIMS, "value", "fixed"});
}

TEST_CASE("names") {
  refused([](auto& model) { small_weight(model).set_name("m"); },
          {ErrorCode::GRAPH_DUPLICATE_NAME, "m"});
  refused([](auto& model) { small_weight(model).clear_name(); }, {ErrorCode::MODEL_MALFORMED});
  refused([](auto& model) { add_float_input(*model.mutable_graph(), "x", {1}); },
          {ErrorCode::GRAPH_DUPLICATE_NAME, "x"});
  refused([](auto& model) { add_output(*model.mutable_graph(), "y"); },
          {ErrorCode::GRAPH_DUPLICATE_NAME, "y"});
  for (const char* name : {"x", "w", "h"}) {
    refused(
        [&](auto& model) {
          add_node(*model.mutable_graph(), "Relu", {"x"}, {name})->set_name("again");
        },
        {ErrorCode::GRAPH_DUPLICATE_NAME, name, "again"});
  }
  refused(
      [](auto& model) {
        auto* node = model.mutable_graph()->mutable_node(0);
        add_attribute(*node, "alpha", AttributeProto::FLOAT);
        add_attribute(*node, "alpha", AttributeProto::FLOAT);
      },
      {ErrorCode::ATTRIBUTE_INVALID, "", "add"});
}

TEST_CASE("edges") {
  refused([](auto& model) { model.mutable_graph()->mutable_node(0)->set_input(1, "absent"); },
          {ErrorCode::GRAPH_INPUT_MISSING, "absent", "add"});
  refused([](auto& model) { add_output(*model.mutable_graph(), "absent"); },
          {ErrorCode::GRAPH_INPUT_MISSING, "absent"});
  refused([](auto& model) { model.mutable_graph()->mutable_node(0)->set_input(1, "y"); },
          {ErrorCode::GRAPH_CYCLE, "", "add"});
  refused([](auto& model) { model.mutable_graph()->mutable_node(0)->set_input(1, "h"); },
          {ErrorCode::GRAPH_CYCLE, "", "add"});
  refused([](auto& model) { model.mutable_graph()->clear_output(); }, {ErrorCode::MODEL_MALFORMED});
  refused(
      [](auto& model) {
        auto* node = add_node(*model.mutable_graph(), "If", {"x"}, {"z"});
        node->set_name("choose");
        GraphProto* body = add_attribute(*node, "then_branch", AttributeProto::GRAPH)->mutable_g();
        add_node(*body, "Relu", {"absent"}, {"inner"})->set_name("within");
        add_output(*body, "inner");
      },
      {ErrorCode::GRAPH_INPUT_MISSING, "absent", "within"});
}

TEST_CASE("features that are not supported") {
  refused(
      [](auto& model) {
        auto* sparse = model.mutable_graph()->add_sparse_initializer();
        fill_raw(*sparse->mutable_values(), "sparse", TensorProto::FLOAT, {1}, 4);
      },
      {ErrorCode::MODEL_UNSUPPORTED, "sparse"});
  refused(
      [](auto& model) {
        auto* info = model.mutable_graph()->add_input();
        info->set_name("list");
        info->mutable_type()->mutable_sequence_type()->mutable_elem_type();
      },
      {ErrorCode::MODEL_UNSUPPORTED, "list"});
  refused(
      [](auto& model) {
        add_attribute(*model.mutable_graph()->mutable_node(0), "graphs", AttributeProto::GRAPHS);
      },
      {ErrorCode::MODEL_UNSUPPORTED, "", "add"});
}

TEST_CASE("attributes without type or operator name") {
  refused(
      [](auto& model) {
        model.mutable_graph()->mutable_node(0)->add_attribute()->set_name("nothing");
      },
      {ErrorCode::ATTRIBUTE_INVALID, "", "add"});
  refused([](auto& model) { model.mutable_graph()->mutable_node(0)->clear_op_type(); },
          {ErrorCode::MODEL_MALFORMED, "", "add"});
}

TEST_CASE("models without graph or opset") {
  refused([](auto& model) { model.clear_graph(); }, {ErrorCode::MODEL_MALFORMED});
  refused([](auto& model) { model.mutable_opset_import(0)->set_version(-1); },
          {ErrorCode::MODEL_MALFORMED});
}

TEST_CASE("deep nesting") {
  onnx::ModelProto model = small_model();
  GraphProto* graph = model.mutable_graph();
  for (int depth = 0; depth < 30; ++depth) {
    onnx::NodeProto* node = add_node(*graph, "If", {}, {"d" + std::to_string(depth)});
    graph = add_attribute(*node, "then_branch", AttributeProto::GRAPH)->mutable_g();
  }
  const auto deep = load(model);
  REQUIRE_FALSE(deep.ok());
  CHECK(deep.status().code() == ErrorCode::LIMIT_EXCEEDED);
}

TEST_CASE("lengths beyond the file") {
  // A graph that claims 2 GiB - 1 and a tensor whose dims and payload agree on 1 GiB.
  const std::string huge = std::string("\x08\x08\x3a\xff\xff\xff\xff\x07", 8);
  refused(huge, {ErrorCode::MODEL_TRUNCATED});
  refused(std::string("\x08\x08\x3a\xff\xff\xff\xff\x0f", 8), {ErrorCode::MODEL_MALFORMED});
  const std::string tensor = std::string("\x2a\xff\xff\xff\xff\x06", 6) +
                             std::string("\x08\x80\x80\x80\x80\x02\x10\x03\x42\x01t", 10) + "\x4a" +
                             std::string("\x80\x80\x80\x80\x02", 5);
  ModelLoader loader;
  const std::string bytes = huge + tensor;
  REQUIRE(loader.expect_size(bytes.size()).ok());
  const std::span<const uint8_t> all(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  const size_t before = block_bytes_in_use();
  const Status status = loader.push(all);
  CHECK(status.code() == ErrorCode::MODEL_TRUNCATED);
  CHECK(block_bytes_in_use() <= before);
  // Without dims nothing of that size is allocated.
  const std::string blind = std::string("\x2a\xff\xff\xff\xff\x06\x4a\x80\x80\x80\x80\x02", 12);
  refused(huge + blind, {ErrorCode::MODEL_MALFORMED});
}

TEST_CASE("too much structure") {
  onnx::ModelProto model = small_model();
  add_attribute(*model.mutable_graph()->mutable_node(0), "text", AttributeProto::STRING)
      ->set_s(std::string(kMaxSkeletonBytes, 't'));
  refused(model.SerializeAsString(), {ErrorCode::LIMIT_EXCEEDED, "", "add"});
}

TEST_CASE("fields of the wrong type") {
  // A graph as a number, a graph nested in itself, a group, a node with a varint for its name.
  refused(std::string("\x08\x08\x38\x01", 4), {ErrorCode::MODEL_MALFORMED});
  refused(std::string("\x08\x08\x3b\x3c", 4), {ErrorCode::MODEL_MALFORMED});
  refused(std::string("\x08\x08\x3a\x04\x0a\x02\x18\x01", 8), {ErrorCode::MODEL_MALFORMED});
  // A node longer than its graph, a number that crosses its message's end, one of 11 bytes.
  refused(std::string("\x08\x08\x3a\x02\x0a\x05", 6), {ErrorCode::MODEL_MALFORMED});
  refused(std::string("\x08\x08\x3a\x03\x2a\x02\x08\xff\x01", 9), {ErrorCode::MODEL_MALFORMED});
  refused("\x08" + std::string(10, '\xff') + "\x01", {ErrorCode::MODEL_MALFORMED});
}

}  // namespace
}  // namespace sardonyx::testing
