// Many rows times one row, summed over the last axis: a MatMul that writes no products.
//
//   ReduceSum([…, R, K] · […, 1, K], last axis) = Reshape([…, R, K] × Reshape([…, 1, K] → […, K,
//   1]))
#include <algorithm>

#include "engine/graph_edit.h"
#include "engine/passes/pattern.h"

namespace sardonyx {
namespace {

const Shape* static_shape(const Graph& graph, ValueId id) {
  const Value& value = graph.values[id];
  const bool known = value.dtype == DType::kFloat32 && value.has_shape && value.shape.is_known() &&
                     value.shape.elements().value_or(0) > 0;
  return known ? &value.shape : nullptr;
}

bool sums_last_axis(const Graph& graph, const Node& node, int rank) {
  std::optional<std::vector<int64_t>> axes;
  if (node.opset >= 13) {
    axes = fixed_ints(graph, input_of(node, 1));
  } else {
    const auto given = node.attributes.get_ints("axes");
    axes.emplace(given.begin(), given.end());
  }
  return axes && axes->size() == 1 && ((*axes)[0] == -1 || (*axes)[0] == rank - 1);
}

// The operands of a Mul whose sums are dot products.
struct DotProducts {
  NodeId mul = kNoNode;
  ValueId rows = kNoValue, row = kNoValue;
};

std::optional<DotProducts> match(const Graph& graph, const Node& sum, const Readers& readers) {
  if (!is_op(sum, "ReduceSum") || output_of(sum, 0) == kNoValue) return std::nullopt;
  const NodeId mul = graph.values[sum.inputs[0]].producer;
  if (mul == kNoNode || readers.count(sum.inputs[0]) != 1) return std::nullopt;
  const Node& product = graph.nodes[mul];
  if (!is_op(product, "Mul") || product.opset < 7) return std::nullopt;
  const Shape* out = static_shape(graph, sum.inputs[0]);
  if (!out || out->rank() < 2 || !sums_last_axis(graph, sum, out->rank())) return std::nullopt;
  const int last = out->rank() - 1;
  for (size_t i = 0; i < 2; ++i) {
    const ValueId rows = product.inputs[i], row = product.inputs[1 - i];
    const Shape *many = static_shape(graph, rows), *one = static_shape(graph, row);
    if (!many || !one || many->rank() != out->rank() || one->rank() != out->rank()) continue;
    if ((*many)[last] != (*one)[last] || (*many)[last - 1] == 1 || (*one)[last - 1] != 1) continue;
    return DotProducts{mul, rows, row};
  }
  return std::nullopt;
}

Result<ValueId> shape_constant(Graph& graph, const std::string& name, const Shape& shape) {
  SX_ASSIGN(const std::shared_ptr<Constant> constant,
            make_constant(DType::kInt64, Shape{shape.rank()}));
  std::copy(shape.begin(), shape.end(), constant->view().as<int64_t>());
  return add_constant(graph, name + ".shape", constant);
}

bool parts_are_built(int opset) {
  return find_operator("", "Reshape", opset) && find_operator("", "MatMul", opset);
}

Status replace(Graph& graph, NodeId sum, const DotProducts& found) {
  Shape column = graph.values[found.row].shape;
  std::swap(column[column.rank() - 2], column[column.rank() - 1]);
  const Node like = graph.nodes[found.mul];
  const ValueId output = graph.nodes[sum].outputs[0];
  SX_ASSIGN(const ValueId column_shape, shape_constant(graph, like.name, column));
  SX_ASSIGN(const ValueId shape,
            shape_constant(graph, graph.nodes[sum].name, graph.values[output].shape));
  const ValueId turned =
      append_node(graph, like, "Reshape", {found.row, column_shape}, DType::kFloat32);
  const ValueId products =
      append_node(graph, like, "MatMul", {found.rows, turned}, DType::kFloat32);
  graph.nodes[sum].inputs = {products, shape};
  graph.nodes[sum].attributes = {};
  return retarget(graph, sum, "", "Reshape");
}

}  // namespace

Status pass_fuse_dot_products(Graph& graph, bool& changed) {
  const Readers readers(graph);
  const size_t count = graph.nodes.size();
  std::vector<NodeId> replaced;
  for (NodeId id = 0; id < count; ++id) {
    const auto found = match(graph, graph.nodes[id], readers);
    if (!found || !static_shape(graph, graph.nodes[id].outputs[0])) continue;
    if (!parts_are_built(graph.nodes[found->mul].opset)) continue;
    SX_TRY(replace(graph, id, *found));
    replaced.push_back(found->mul);
  }
  if (replaced.empty()) return {};
  changed = true;
  std::vector<bool> remove(graph.nodes.size(), false);
  for (NodeId id : replaced) remove[id] = true;
  erase_nodes(graph, remove);
  return normalize(graph);
}

}  // namespace sardonyx
