#include "engine/passes/dim_origins.h"

#include "engine/passes/pattern.h"

namespace sardonyx {
namespace {

bool is_conv(const Node& node) {
  return is_op(node, "Conv") || (node.domain == "com.microsoft" && node.type == "FusedConv");
}

// Whether a convolution keeps the size of spatial axis `axis`, counted from 0.
bool keeps_size(const Node& conv, const Shape& weights, size_t axis) {
  const auto at = [&](const char* name, size_t i, int64_t otherwise) {
    const auto list = conv.attributes.get_ints(name);
    return i < list.size() ? list[i] : otherwise;
  };
  if (at("strides", axis, 1) != 1) return false;
  const std::string_view automatic = conv.attributes.get_string("auto_pad", "NOTSET");
  if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") return true;
  if (automatic != "NOTSET") return false;
  const size_t axes = static_cast<size_t>(weights.rank()) - 2;
  const int64_t pads = at("pads", axis, 0) + at("pads", axis + axes, 0);
  const int64_t kernel = weights[static_cast<int>(axis) + 2];
  return kernel >= 1 && pads == (kernel - 1) * at("dilations", axis, 1);
}

}  // namespace

DimOrigins::DimOrigins(const Graph& graph) : graph_(graph), origins_(graph.values.size()) {
  for (ValueId id = 0; id < origins_.size(); ++id) origins_[id].fill(id);
  for (const Node& node : graph.nodes) follow(node);
}

bool DimOrigins::followed(ValueId id) const {
  return id != kNoValue && graph_.values[id].has_shape &&
         graph_.values[id].shape.rank() <= kMaxFollowed;
}

void DimOrigins::follow(const Node& node) {
  const ValueId x = input_of(node, 0), out = output_of(node, 0);
  if (!node.op || !followed(x) || !followed(out)) return;
  if (is_op(node, "BatchNormalization")) {
    origins_[out] = origins_[x];
  } else if (is_conv(node)) {
    origins_[out][0] = origins_[x][0];
    const Value& weights = graph_.values[input_of(node, 1)];
    const int rank = graph_.values[out].shape.rank();
    if (!weights.has_shape || weights.shape.rank() != rank) return;
    for (size_t axis = 2; axis < static_cast<size_t>(rank); ++axis) {
      if (keeps_size(node, weights.shape, axis - 2)) origins_[out][axis] = origins_[x][axis];
    }
  } else if (node.op->layout == LayoutPolicy::kAny) {
    follow_operands(node, out);
  }
}

// A dim of the output is that of the operands that do not repeat along it, where these agree.
void DimOrigins::follow_operands(const Node& node, ValueId out) {
  const int rank = graph_.values[out].shape.rank();
  for (int axis = 0; axis < rank; ++axis) {
    ValueId origin = kNoValue;
    bool agree = true;
    for (ValueId id : node.inputs) {
      if (id == kNoValue) continue;
      const Shape& shape = graph_.values[id].shape;
      agree = agree && followed(id);
      const int own = axis - (rank - shape.rank());
      if (!agree || own < 0 || shape[own] == 1) continue;
      const ValueId found = origins_[id][static_cast<size_t>(own)];
      agree = origin == kNoValue || origin == found;
      origin = found;
    }
    if (agree && origin != kNoValue) origins_[out][static_cast<size_t>(axis)] = origin;
  }
}

bool DimOrigins::same_shape(ValueId a, ValueId b) const {
  if (!followed(a) || !followed(b)) return same_static_shape(graph_.values[a], graph_.values[b]);
  const Shape &x = graph_.values[a].shape, &y = graph_.values[b].shape;
  bool same = x.rank() == y.rank();
  for (int axis = 0; same && axis < x.rank(); ++axis) {
    const auto i = static_cast<size_t>(axis);
    same = (x[axis] >= 0 && x[axis] == y[axis]) || origins_[a][i] == origins_[b][i];
  }
  return same;
}

}  // namespace sardonyx
