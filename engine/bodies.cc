#include "engine/bodies.h"

#include <memory>

namespace sardonyx {
namespace {

Status check_depth(const Graph& graph, int depth) {
  for (const Node& node : graph.nodes) {
    for (const Body& body : bodies_of(node)) {
      if (depth == kMaxBodyDepth) {
        return error(ErrorCode::LIMIT_EXCEEDED, "%s is nested in more than %d bodies",
                     node.label().c_str(), kMaxBodyDepth)
            .at_node(node.name, node.type);
      }
      SX_TRY(check_depth(*body.graph, depth + 1));
    }
  }
  return {};
}

}  // namespace

std::vector<Body> bodies_of(const Node& node) {
  std::vector<Body> bodies;
  size_t captured = 0;
  for (const Attribute& attribute : node.attributes.all()) {
    const auto* graph = std::get_if<std::shared_ptr<Graph>>(&attribute.value);
    if (!graph) continue;
    bodies.push_back({attribute.name, graph->get(), captured});
    captured += (*graph)->captured;
  }
  for (Body& body : bodies) body.first_capture += node.inputs.size() - captured;
  return bodies;
}

Result<Body> require_body(const Node& node, std::string_view attribute) {
  for (const Body& body : bodies_of(node)) {
    if (body.attribute == attribute) return body;
  }
  return error(ErrorCode::ATTRIBUTE_INVALID, "%s has no graph '%.*s'", node.label().c_str(),
               static_cast<int>(attribute.size()), attribute.data());
}

size_t operand_count(const Node& node) {
  const std::vector<Body> bodies = bodies_of(node);
  return bodies.empty() ? node.inputs.size() : bodies[0].first_capture;
}

std::string describe_body(const Node& node, std::string_view attribute) {
  return "the " + std::string(attribute) + " of " + node.label();
}

Status check_body_depth(const Graph& graph) {
  return check_depth(graph, 0);
}

void visit_graphs(const Graph& graph, const std::function<void(const Graph&)>& visit) {
  visit(graph);
  for (const Node& node : graph.nodes) {
    for (const Body& body : bodies_of(node)) visit_graphs(*body.graph, visit);
  }
}

}  // namespace sardonyx
