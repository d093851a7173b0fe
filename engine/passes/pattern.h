// Looking for patterns in a graph that is being rewritten.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/graph.h"

namespace sardonyx {

// Who reads what, as of construction. Stays right for a value as long as no reader is added to it.
class Readers {
 public:
  explicit Readers(const Graph& graph);
  // The reads of a value by nodes and graph outputs; 1 for values that were added later.
  size_t count(ValueId value) const;
  // The nodes that read the value, once per read.
  std::span<const NodeId> of(ValueId value) const { return nodes_[value]; }
  // The one node that reads the value, once, when nothing else does; else kNoNode.
  NodeId sole(ValueId value) const;

 private:
  std::vector<std::vector<NodeId>> nodes_;
  std::vector<uint32_t> outputs_;
};

// Operator of ai.onnx by that name.
bool is_op(const Node& node, std::string_view type);
// Input or output `i`, kNoValue when left out.
ValueId input_of(const Node& node, size_t i);
ValueId output_of(const Node& node, size_t i);

// Whether no caller can feed the value and its contents are known.
bool has_fixed_value(const Graph& graph, ValueId value);
// The constant of such a value; null for others, and for those that are stored as float16 though
// they are float32.
ConstantPtr fixed_constant(const Graph& graph, ValueId value);
// The same for float32 constants.
ConstantPtr fixed_floats(const Graph& graph, ValueId value);
// Contents of an int32 or int64 constant; nullopt for anything else.
std::optional<std::vector<int64_t>> fixed_ints(const Graph& graph, ValueId value);
// The one element of a float32 constant.
std::optional<float> fixed_scalar(const Graph& graph, ValueId value);

// Bounds of a Clip, infinite where left out: attributes before opset 11, inputs since. nullopt when
// they are not constant.
std::optional<std::vector<float>> clip_bounds(const Graph& graph, const Node& node);

// True when both shapes are fully known and equal.
bool same_static_shape(const Value& a, const Value& b);

ValueId add_constant(Graph& graph, std::string name, ConstantPtr constant);
// Adds a float32 constant; OUT_OF_MEMORY.
Result<ValueId> add_constant(Graph& graph, std::string name, const Shape& shape,
                             std::span<const float> contents);

// Appends a node of ai.onnx that reads `inputs`; its one output is a new value of that dtype.
// Callers see that the operator is built, and normalize() the graph when they are done.
ValueId append_node(Graph& graph, const Node& like, std::string_view type,
                    std::vector<ValueId> inputs, DType dtype);
// Appends a copy of node `like` in the same way.
ValueId append_copy(Graph& graph, NodeId like, std::vector<ValueId> inputs, DType dtype);

// Lets node `id` produce `output` in place of its output 0, which nothing may read any more.
void produce(Graph& graph, NodeId id, ValueId output);

// Makes `to` stand for `from` everywhere, so that the producer of `from` can go. A graph output
// keeps its name: then the producer of `to` produces `from` instead. False, and nothing is changed,
// when that is impossible.
bool bypass(Graph& graph, ValueId from, ValueId to);

}  // namespace sardonyx
