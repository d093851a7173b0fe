// One-hot vectors times a matrix: rows of the matrix, looked up.
//
//   Cast(Equal(x of […, 1], 0 … K-1)) × W = Squeeze(Gather(W and a row of zeros, Clip(x, -1, K)))
//
// What matches no row takes the zeros: as index K, or as -1, which is the last row too.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/graph_edit.h"
#include "engine/passes/pattern.h"
#include "engine/passes/shape_element.h"

namespace sardonyx {
namespace {

// Since when Squeeze has axes as an input.
constexpr int kOpset = 13;

struct OneHot {
  ValueId x = kNoValue;
  ConstantPtr matrix;
};

// 0 … K-1 along the last axis.
bool counts_up(const Graph& graph, ValueId id, int64_t to) {
  const auto numbers = fixed_ints(graph, id);
  const Shape& shape = graph.values[id].shape;
  if (!numbers || static_cast<int64_t>(numbers->size()) != to) return false;
  if (shape.rank() < 1 || shape[shape.rank() - 1] != to) return false;
  for (size_t i = 0; i < numbers->size(); ++i) {
    if ((*numbers)[i] != static_cast<int64_t>(i)) return false;
  }
  return true;
}

// A product with an infinity would be NaN wherever the vector has a 0.
bool is_finite(const Constant& matrix) {
  const TensorView view = matrix.view();
  const auto* numbers = view.as<const float>();
  for (int64_t i = 0; i < view.elements(); ++i) {
    if (!std::isfinite(numbers[i])) return false;
  }
  return true;
}

// The node that produces a value for one reader only, where it is of that type.
const Node* sole_producer(const Graph& graph, ValueId id, std::string_view type,
                          const Readers& readers) {
  const NodeId producer = id == kNoValue ? kNoNode : graph.values[id].producer;
  if (producer == kNoNode || readers.count(id) != 1) return nullptr;
  const Node& node = graph.nodes[producer];
  return is_op(node, type) ? &node : nullptr;
}

int64_t last_dim(const Graph& graph, ValueId id) {
  const Value& value = graph.values[id];
  return value.has_shape && value.shape.rank() > 0 ? value.shape[value.shape.rank() - 1]
                                                   : kUnknownDim;
}

// Whether the last axis has one element, also behind an Expand whose other dims a run tells.
bool ends_with_one(const Graph& graph, ValueId id) {
  if (last_dim(graph, id) >= 0) return last_dim(graph, id) == 1;
  const NodeId producer = graph.values[id].producer;
  if (producer == kNoNode || !is_op(graph.nodes[producer], "Expand")) return false;
  const Node& expand = graph.nodes[producer];
  const int64_t rank = last_dim(graph, expand.inputs[1]);
  if (rank < 1 || last_dim(graph, expand.inputs[0]) != 1) return false;
  const auto last = shape_element(graph, expand.inputs[1], rank - 1);
  return last && last->number == 1;
}

// The operand of a comparison with 0 … K-1 that has one element in place of K.
ValueId compared(const Graph& graph, const Node& equal, int64_t k) {
  for (size_t i = 0; i < 2; ++i) {
    const ValueId x = equal.inputs[i], range = equal.inputs[1 - i];
    const Value& value = graph.values[x];
    if (value.dtype != DType::kInt32 && value.dtype != DType::kInt64) continue;
    if (!ends_with_one(graph, x) || !counts_up(graph, range, k)) continue;
    const int rank = value.shape.rank();
    if (rank < kMaxRank && graph.values[range].shape.rank() <= rank) return x;
  }
  return kNoValue;
}

std::optional<OneHot> match(const Graph& graph, const Node& product, const Readers& readers) {
  if (!is_op(product, "MatMul") || product.opset < kOpset || output_of(product, 0) == kNoValue) {
    return std::nullopt;
  }
  OneHot found;
  found.matrix = fixed_floats(graph, input_of(product, 1));
  if (!found.matrix || found.matrix->shape.rank() != 2) return std::nullopt;
  const Node* cast = sole_producer(graph, input_of(product, 0), "Cast", readers);
  const Node* equal = cast ? sole_producer(graph, input_of(*cast, 0), "Equal", readers) : nullptr;
  if (!equal) return std::nullopt;
  const int64_t rows = found.matrix->shape[0];
  found.x = rows > 1 ? compared(graph, *equal, rows) : kNoValue;
  if (found.x == kNoValue || !is_finite(*found.matrix)) return std::nullopt;
  return found;
}

// With a row of zeros behind the others.
Result<ValueId> add_table(Graph& graph, const std::string& name, const Constant& matrix) {
  const TensorView from = matrix.view();
  SX_ASSIGN(const std::shared_ptr<Constant> table,
            make_constant(DType::kFloat32, Shape{from.shape[0] + 1, from.shape[1]}));
  auto* to = table->view().as<float>();
  const auto* numbers = from.as<const float>();
  std::fill(std::copy(numbers, numbers + from.elements(), to), to + table->view().elements(), 0.0f);
  return add_constant(graph, name + ".rows", table);
}

// One number, of int32 or int64.
Result<ValueId> add_number(Graph& graph, const std::string& name, DType dtype, const Shape& shape,
                           int64_t number) {
  SX_ASSIGN(const std::shared_ptr<Constant> constant, make_constant(dtype, shape));
  // Little-endian.
  std::memcpy(constant->view().data, &number, constant->payload.bytes);
  return add_constant(graph, name, constant);
}

bool parts_are_built(int opset) {
  return find_operator("", "Clip", opset) && find_operator("", "Gather", opset) &&
         find_operator("", "Squeeze", opset);
}

Status replace(Graph& graph, NodeId product, const OneHot& found) {
  const Node like = graph.nodes[product];
  const DType dtype = graph.values[found.x].dtype;
  const int64_t rows = found.matrix->shape[0];
  SX_ASSIGN(const ValueId table, add_table(graph, like.name, *found.matrix));
  SX_ASSIGN(const ValueId low, add_number(graph, like.name + ".low", dtype, Shape{}, -1));
  SX_ASSIGN(const ValueId high, add_number(graph, like.name + ".high", dtype, Shape{}, rows));
  SX_ASSIGN(const ValueId axes,
            add_number(graph, like.name + ".axes", DType::kInt64, Shape{1}, -2));
  const ValueId index = append_node(graph, like, "Clip", {found.x, low, high}, dtype);
  const ValueId taken = append_node(graph, like, "Gather", {table, index}, DType::kFloat32);
  graph.nodes[product].inputs = {taken, axes};
  return retarget(graph, product, "", "Squeeze");
}

}  // namespace

Status pass_fuse_one_hot(Graph& graph, bool& changed) {
  const Readers readers(graph);
  const size_t count = graph.nodes.size();
  bool replaced = false;
  for (NodeId id = 0; id < count; ++id) {
    const auto found = match(graph, graph.nodes[id], readers);
    if (!found || !parts_are_built(graph.nodes[id].opset)) continue;
    SX_TRY(replace(graph, id, *found));
    replaced = true;
  }
  if (!replaced) return {};
  changed = true;
  return normalize(graph);
}

}  // namespace sardonyx
