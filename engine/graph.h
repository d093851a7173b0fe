// The model as a graph of values and nodes. Built by loader/, rewritten by engine/passes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "ops/attributes.h"
#include "ops/operator.h"

namespace sardonyx {

using ValueId = uint32_t;
using NodeId = uint32_t;
inline constexpr ValueId kNoValue = UINT32_MAX;  // absent optional input or output
inline constexpr NodeId kNoNode = UINT32_MAX;

struct Value {
  std::string name;
  DType dtype = DType::kUndefined;
  bool has_shape = false;
  Shape shape;                           // dims may be kUnknownDim
  std::vector<std::string> dim_symbols;  // per dim, empty where there is none; graph inputs/outputs
  ConstantPtr constant;                  // contents, if fixed
  NodeId producer = kNoNode;
  bool optional_input = false;          // graph input with a default in `constant` (IR 3 weights)
  ValueKind kind = ValueKind::kTensor;  // of others than tensors, dtype and shape are the elements'

  // A float32 value whose constant is float16: see engine/half_weights.h.
  bool is_stored_half() const {
    return constant && constant->dtype == DType::kFloat16 && dtype == DType::kFloat32;
  }

  ValueFacts facts() const {
    if (kind != ValueKind::kTensor) return {dtype, true, {}, nullptr, kind};
    return {dtype, has_shape, shape, nullptr};
  }
};

struct Node {
  std::string name;    // may be empty
  std::string domain;  // "" is ai.onnx
  std::string type;
  Attributes attributes;
  std::vector<ValueId> inputs;   // kNoValue where an optional input is left out
  std::vector<ValueId> outputs;  // kNoValue where an optional output is left out
  const Operator* op = nullptr;  // resolved by resolve_graph(); null before
  int opset = 0;                 // version of `domain`; 0: the one that the graph imports

  // "Conv 'conv1'" for messages.
  std::string label() const;
};

struct Warning {
  std::string message;
};

// Nodes are in topological order once normalize() has run. Removed nodes leave no holes: passes use
// the editing functions of engine/graph_edit.h.
struct Graph {
  std::string name;
  std::vector<Value> values;
  std::vector<Node> nodes;
  std::vector<ValueId> inputs;  // what the caller feeds; constants excluded unless optional_input
  std::vector<ValueId> outputs;
  size_t captured = 0;  // of a subgraph: its last inputs, which the last inputs of its node feed
  std::map<std::string, int, std::less<>> opsets;  // domain → version
  int64_t ir_version = 0;
  std::string producer;
  std::vector<Warning> warnings;

  ValueId add_value(Value value) {
    values.push_back(std::move(value));
    return static_cast<ValueId>(values.size() - 1);
  }
};

}  // namespace sardonyx
