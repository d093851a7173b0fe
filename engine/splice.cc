#include "engine/splice.h"

namespace sardonyx {
namespace {

void renumber(std::vector<ValueId>& ids, const std::vector<ValueId>& numbers) {
  for (ValueId& id : ids) {
    if (id != kNoValue) id = numbers[id];
  }
}

}  // namespace

std::vector<ValueId> splice(Graph& into, const Graph& from, std::span<const ValueId> feeds,
                            const std::string& prefix, std::vector<Node>& nodes) {
  std::vector<ValueId> numbers(from.values.size(), kNoValue);
  for (size_t i = 0; i < from.inputs.size(); ++i) numbers[from.inputs[i]] = feeds[i];
  for (ValueId id = 0; id < numbers.size(); ++id) {
    if (numbers[id] != kNoValue) continue;
    Value value = from.values[id];
    value.name = prefix + value.name;
    value.producer = kNoNode;
    numbers[id] = into.add_value(std::move(value));
  }
  for (Node node : from.nodes) {
    node.name = prefix + node.name;
    renumber(node.inputs, numbers);
    renumber(node.outputs, numbers);
    nodes.push_back(std::move(node));
  }
  std::vector<ValueId> outputs = from.outputs;
  renumber(outputs, numbers);
  return outputs;
}

}  // namespace sardonyx
