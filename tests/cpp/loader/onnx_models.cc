#include "tests/cpp/loader/onnx_models.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>

#include "loader/load_model.h"

namespace sardonyx::testing {
namespace {

using onnx::AttributeProto;
using onnx::TensorProto;

void add_typed_tensors(onnx::GraphProto& graph, const std::string& suffix, int count) {
  const auto tensor = [&](const char* name, int dtype, int64_t dim) {
    TensorProto* added = graph.add_initializer();
    added->set_name(name + suffix);
    added->set_data_type(dtype);
    added->add_dims(dim);
    return added;
  };
  TensorProto* floats = tensor("floats", TensorProto::FLOAT, count);
  TensorProto* doubles = tensor("doubles", TensorProto::DOUBLE, count);
  TensorProto* longs = tensor("longs", TensorProto::INT64, count);
  TensorProto* unsigned_longs = tensor("unsigned_longs", TensorProto::UINT64, count);
  TensorProto* unsigned_ints = tensor("unsigned_ints", TensorProto::UINT32, count);
  TensorProto* halves = tensor("halves", TensorProto::FLOAT16, count);
  TensorProto* bytes = tensor("bytes", TensorProto::INT8, count);
  TensorProto* bools = tensor("bools", TensorProto::BOOL, count);
  TensorProto* nibbles = tensor("nibbles", TensorProto::UINT4, 2 * count - 1);
  TensorProto* complex = tensor("complex", TensorProto::COMPLEX64, count);
  for (int i = 0; i < count; ++i) {
    floats->add_float_data(static_cast<float>(i) * 0.5f);
    doubles->add_double_data(i * 0.25);
    longs->add_int64_data(i % 2 ? -i * int64_t{123456789012} : i);
    unsigned_longs->add_uint64_data(UINT64_MAX - static_cast<uint64_t>(i));
    unsigned_ints->add_uint64_data(UINT32_MAX - static_cast<uint32_t>(i));
    halves->add_int32_data(0x3c00 + i % 1000);
    bytes->add_int32_data(i % 256 - 128);
    bools->add_int32_data(i % 2);
    nibbles->add_int32_data(i % 256);
    complex->add_float_data(static_cast<float>(i));
    complex->add_float_data(static_cast<float>(-i));
  }
}

void add_if(onnx::GraphProto& graph) {
  onnx::NodeProto* node = add_node(graph, "If", {"cond"}, {"branch"});
  node->set_name("choose");
  for (const char* name : {"then_branch", "else_branch"}) {
    onnx::GraphProto* body = add_attribute(*node, name, AttributeProto::GRAPH)->mutable_g();
    body->set_name(name);
    const std::string inner = name + std::string(".w");
    fill_raw(*body->add_initializer(), inner, TensorProto::FLOAT, {3, 100}, 1200);
    add_node(*body, "Add", {"h", inner}, {name + std::string(".a")});
    add_node(*body, "Mul", {name + std::string(".a"), "raw_large"}, {name + std::string(".y")});
    add_output(*body, name + std::string(".y"));
  }
}

std::string describe_constant(const ConstantPtr& constant) {
  uint64_t hash = 1469598103934665603u;
  for (size_t i = 0; i < constant->payload.bytes; ++i) {
    hash = (hash ^ constant->payload.data()[i]) * 1099511628211u;
  }
  return std::string(dtype_name(constant->dtype)) + constant->shape.to_string() + "#" +
         std::to_string(constant->payload.bytes) + ":" + std::to_string(hash);
}

struct AttributePrinter {
  std::string operator()(const ValueType& type) const {
    return std::string(kind_name(type.kind)) + " of " + std::string(dtype_name(type.dtype));
  }
  std::string operator()(int64_t value) const { return std::to_string(value); }
  std::string operator()(float value) const { return std::to_string(value) + "f"; }
  std::string operator()(const std::string& value) const { return "'" + value + "'"; }
  std::string operator()(const ConstantPtr& value) const { return describe_constant(value); }
  std::string operator()(const std::shared_ptr<Graph>& value) const {
    return "{" + describe(*value) + "}";
  }
  template <typename T>
  std::string operator()(const std::vector<T>& values) const {
    std::string text = "[";
    for (const T& value : values) text += (*this)(value) + " ";
    return text + "]";
  }
};

std::string describe_value(const Value& value) {
  std::string text = value.name + ": " + std::string(dtype_name(value.dtype));
  text += value.has_shape ? value.shape.to_string() : "?";
  for (const std::string& symbol : value.dim_symbols) text += " <" + symbol + ">";
  if (value.optional_input) text += " optional";
  if (value.producer != kNoNode) text += " by " + std::to_string(value.producer);
  if (value.constant) text += " = " + describe_constant(value.constant);
  return text + "\n";
}

std::string describe_ids(const Graph& graph, const std::vector<ValueId>& ids) {
  std::string text;
  for (ValueId id : ids) text += " " + (id == kNoValue ? "-" : graph.values[id].name);
  return text;
}

}  // namespace

onnx::ModelProto empty_model() {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.set_producer_name("sardonyx tests");
  model.set_producer_version("1");
  model.add_opset_import()->set_version(17);
  model.mutable_graph()->set_name("g");
  return model;
}

onnx::ValueInfoProto* add_float_input(onnx::GraphProto& graph, const std::string& name,
                                      const std::vector<int64_t>& dims) {
  onnx::ValueInfoProto* info = graph.add_input();
  info->set_name(name);
  auto* type = info->mutable_type()->mutable_tensor_type();
  type->set_elem_type(TensorProto::FLOAT);
  for (int64_t dim : dims) type->mutable_shape()->add_dim()->set_dim_value(dim);
  return info;
}

onnx::ValueInfoProto* add_output(onnx::GraphProto& graph, const std::string& name) {
  onnx::ValueInfoProto* info = graph.add_output();
  info->set_name(name);
  info->mutable_type()->mutable_tensor_type()->set_elem_type(TensorProto::FLOAT);
  return info;
}

onnx::NodeProto* add_node(onnx::GraphProto& graph, const std::string& type,
                          const std::vector<std::string>& inputs,
                          const std::vector<std::string>& outputs) {
  onnx::NodeProto* node = graph.add_node();
  node->set_op_type(type);
  for (const std::string& input : inputs) node->add_input(input);
  for (const std::string& output : outputs) node->add_output(output);
  return node;
}

AttributeProto* add_attribute(onnx::NodeProto& node, const std::string& name,
                              AttributeProto::AttributeType type) {
  AttributeProto* attribute = node.add_attribute();
  attribute->set_name(name);
  attribute->set_type(type);
  return attribute;
}

void fill_raw(TensorProto& tensor, const std::string& name, int dtype,
              const std::vector<int64_t>& dims, size_t bytes) {
  tensor.set_name(name);
  tensor.set_data_type(dtype);
  for (int64_t dim : dims) tensor.add_dims(dim);
  std::string raw(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) {
    raw[i] = static_cast<char>(i * 7 + i / 251 + name.size());
  }
  tensor.set_raw_data(raw);
}

onnx::ModelProto small_model() {
  onnx::ModelProto model = empty_model();
  onnx::GraphProto& graph = *model.mutable_graph();
  add_node(graph, "Add", {"x", "w"}, {"h"})->set_name("add");
  add_node(graph, "MatMul", {"h", "m"}, {"y"})->set_name("multiply");
  fill_raw(*graph.add_initializer(), "w", TensorProto::FLOAT, {4}, 16);
  fill_raw(*graph.add_initializer(), "m", TensorProto::FLOAT, {4, 96}, 1536);
  add_float_input(graph, "x", {2, 4});
  add_output(graph, "y");
  return model;
}

onnx::ModelProto large_model() {
  onnx::ModelProto model = empty_model();
  model.set_doc_string(std::string(5000, 'd'));
  onnx::OperatorSetIdProto* opset = model.add_opset_import();
  opset->set_domain("com.microsoft");
  opset->set_version(1);
  onnx::GraphProto& graph = *model.mutable_graph();
  graph.set_doc_string(std::string(300, 'g'));
  add_float_input(graph, "x", {3, 100})->set_doc_string("an input");
  add_float_input(graph, "cond", {})
      ->mutable_type()
      ->mutable_tensor_type()
      ->set_elem_type(TensorProto::BOOL);
  auto* symbolic = add_float_input(graph, "s", {1})->mutable_type()->mutable_tensor_type();
  symbolic->mutable_shape()->add_dim()->set_dim_param("batch");
  symbolic->mutable_shape()->add_dim();
  fill_raw(*graph.add_initializer(), "raw_small", TensorProto::FLOAT, {5}, 20);
  fill_raw(*graph.add_initializer(), "raw_edge", TensorProto::UINT8, {1023}, 1023);
  fill_raw(*graph.add_initializer(), "raw_large", TensorProto::FLOAT, {3, 100}, 1200);
  fill_raw(*graph.add_initializer(), "raw_huge", TensorProto::FLOAT, {70'000}, 280'000);
  TensorProto* empty = graph.add_initializer();
  empty->set_name("none");
  empty->set_data_type(TensorProto::INT64);
  empty->add_dims(0);
  add_typed_tensors(graph, ".small", 7);
  add_typed_tensors(graph, ".large", 1500);

  onnx::NodeProto* add = add_node(graph, "Add", {"x", "raw_large"}, {"h"});
  add->set_doc_string(std::string(2000, 'n'));
  add_attribute(*add, "i", AttributeProto::INT)->set_i(-5);
  add_attribute(*add, "f", AttributeProto::FLOAT)->set_f(0.25f);
  add_attribute(*add, "s", AttributeProto::STRING)->set_s(std::string("a\0b", 3));
  AttributeProto* lists = add_attribute(*add, "is", AttributeProto::INTS);
  for (int i = 0; i < 300; ++i) lists->add_ints(i * i);
  add_attribute(*add, "fs", AttributeProto::FLOATS)->add_floats(1.5f);
  add_attribute(*add, "ss", AttributeProto::STRINGS)->add_strings("text");
  onnx::NodeProto* constant = add_node(graph, "Constant", {}, {"c"});
  fill_raw(*add_attribute(*constant, "value", AttributeProto::TENSOR)->mutable_t(), "",
           TensorProto::FLOAT, {3, 100}, 1200);
  add_if(graph);
  add_node(graph, "Custom", {"branch", "", "c"}, {"y", ""})->set_domain("com.microsoft");
  add_output(graph, "y");
  onnx::ValueInfoProto* info = graph.add_value_info();
  info->set_name("h");
  info->mutable_type()->mutable_tensor_type()->set_elem_type(TensorProto::FLOAT);
  return model;
}

Result<std::unique_ptr<Graph>> load(std::string_view bytes, size_t chunk) {
  ModelLoader loader;
  const std::span<const uint8_t> all(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  const size_t step = chunk ? chunk : std::max<size_t>(1, all.size());
  for (size_t at = 0; at < all.size(); at += step) {
    SX_TRY(loader.push(all.subspan(at, std::min(step, all.size() - at))));
  }
  return loader.finish();
}

Result<std::unique_ptr<Graph>> load(const onnx::ModelProto& model, size_t chunk) {
  return load(model.SerializeAsString(), chunk);
}

std::string describe(const Graph& graph) {
  std::string text = graph.name + " ir " + std::to_string(graph.ir_version) + " " + graph.producer;
  for (const auto& [domain, version] : graph.opsets) {
    text += " " + domain + "=" + std::to_string(version);
  }
  text += "\ninputs" + describe_ids(graph, graph.inputs) + "\noutputs" +
          describe_ids(graph, graph.outputs) + "\ncaptured " + std::to_string(graph.captured) +
          "\n";
  for (const Warning& warning : graph.warnings) text += "warning " + warning.message + "\n";
  for (const Value& value : graph.values) text += describe_value(value);
  for (const Node& node : graph.nodes) {
    text += node.domain + ":" + node.type + " '" + node.name + "'" +
            describe_ids(graph, node.inputs) + " ->" + describe_ids(graph, node.outputs);
    for (const Attribute& attribute : node.attributes.all()) {
      text += " " + attribute.name + "=" + std::visit(AttributePrinter{}, attribute.value);
    }
    text += "\n";
  }
  return text;
}

std::string shared_folder() {
  const char* named = std::getenv("SARDONYX_SHARED");
  const std::string folder = named ? named : SARDONYX_SOURCE_DIR "/../shared";
  std::error_code ignored;
  return std::filesystem::is_directory(folder, ignored) ? folder : "";
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace sardonyx::testing
