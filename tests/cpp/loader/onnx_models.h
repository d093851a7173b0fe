// ONNX models made by the tests, and what the loader makes of them as text.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/graph.h"
#include "onnx/onnx.pb.h"

namespace sardonyx::testing {

// IR 8, opset 17, one graph "g" without nodes.
onnx::ModelProto empty_model();
onnx::ValueInfoProto* add_float_input(onnx::GraphProto& graph, const std::string& name,
                                      const std::vector<int64_t>& dims);
onnx::ValueInfoProto* add_output(onnx::GraphProto& graph, const std::string& name);
onnx::NodeProto* add_node(onnx::GraphProto& graph, const std::string& type,
                          const std::vector<std::string>& inputs,
                          const std::vector<std::string>& outputs);
onnx::AttributeProto* add_attribute(onnx::NodeProto& node, const std::string& name,
                                    onnx::AttributeProto::AttributeType type);
// `bytes` of raw_data with a pattern that depends on the name.
void fill_raw(onnx::TensorProto& tensor, const std::string& name, int dtype,
              const std::vector<int64_t>& dims, size_t bytes);

// x → Add(w) → MatMul(m) → y, w of 16 bytes and m of 1.5 KiB.
onnx::ModelProto small_model();
// Every form of payload, attribute and subgraph that the loader takes; payloads small and large.
onnx::ModelProto large_model();

// Feeds `bytes` in chunks; chunk 0 is all at once.
Result<std::unique_ptr<Graph>> load(std::string_view bytes, size_t chunk = 0);
Result<std::unique_ptr<Graph>> load(const onnx::ModelProto& model, size_t chunk = 0);

// All that a graph holds, payloads as a hash.
std::string describe(const Graph& graph);

// ../shared of the repository, or SARDONYX_SHARED; empty when it is not there.
std::string shared_folder();
std::string read_file(const std::string& path);

}  // namespace sardonyx::testing
