#include "engine/graph_edit.h"

#include <catch2/catch_test_macros.hpp>

using namespace sardonyx;

namespace {

// A graph of unnamed one-output nodes; values are named by letters and made on first mention.
struct Sketch {
  Graph graph;

  ValueId value(char name) {
    for (ValueId id = 0; id < graph.values.size(); ++id) {
      if (graph.values[id].name == std::string(1, name)) return id;
    }
    Value value;
    value.name = std::string(1, name);
    return graph.add_value(std::move(value));
  }
  void node(std::string_view inputs, char output) {
    Node node;
    node.type = "Add";
    node.name = std::string("make_") + output;
    for (char c : inputs) node.inputs.push_back(value(c));
    node.outputs = {value(output)};
    graph.nodes.push_back(std::move(node));
  }
  void input(char name) { graph.inputs.push_back(value(name)); }
  void output(char name) { graph.outputs.push_back(value(name)); }
  std::string order() const {
    std::string text;
    for (const Node& node : graph.nodes) text += graph.values[node.outputs[0]].name;
    return text;
  }
};

}  // namespace

TEST_CASE("nodes are sorted, those in order keep theirs") {
  Sketch sketch;
  sketch.input('a');
  sketch.node("cb", 'd');
  sketch.node("a", 'b');
  sketch.node("a", 'c');
  sketch.output('d');
  REQUIRE(normalize(sketch.graph).ok());
  CHECK(sketch.order() == "bcd");
  CHECK(sketch.graph.values[sketch.value('d')].producer == 2);
}

TEST_CASE("a node may read one value twice") {
  Sketch sketch;
  sketch.input('a');
  sketch.node("bb", 'c');
  sketch.node("aa", 'b');
  sketch.output('c');
  REQUIRE(normalize(sketch.graph).ok());
  CHECK(sketch.order() == "bc");
}

TEST_CASE("a cycle is found and named") {
  Sketch sketch;
  sketch.input('a');
  sketch.node("ac", 'b');
  sketch.node("b", 'c');
  sketch.output('c');
  const Status status = normalize(sketch.graph);
  CHECK(status.code() == ErrorCode::GRAPH_CYCLE);
  CHECK(status.node() == "make_b");
}

TEST_CASE("a value that nothing produces is named with its reader") {
  Sketch sketch;
  sketch.input('a');
  sketch.node("ax", 'b');
  sketch.output('b');
  const Status status = normalize(sketch.graph);
  CHECK(status.code() == ErrorCode::GRAPH_INPUT_MISSING);
  CHECK(status.node() == "make_b");
  CHECK(status.tensor() == "x");
}

TEST_CASE("a graph output that nothing produces is named") {
  Sketch sketch;
  sketch.output('z');
  CHECK(normalize(sketch.graph).tensor() == "z");
}

TEST_CASE("a value may be produced once, and never when it is an input") {
  Sketch twice;
  twice.input('a');
  twice.node("a", 'b');
  twice.node("a", 'b');
  CHECK(normalize(twice.graph).code() == ErrorCode::GRAPH_DUPLICATE_NAME);
  Sketch over_input;
  over_input.input('a');
  over_input.node("a", 'a');
  CHECK(normalize(over_input.graph).code() == ErrorCode::GRAPH_DUPLICATE_NAME);
}

TEST_CASE("an operator that is not in the registry is named with its domain and opset") {
  Sketch sketch;
  sketch.input('a');
  sketch.node("a", 'b');
  sketch.graph.nodes[0].type = "Frobnicate";
  sketch.graph.opsets[""] = 17;
  const Status status = resolve_operator(sketch.graph, sketch.graph.nodes[0]);
  CHECK(status.code() == ErrorCode::OPERATOR_UNSUPPORTED);
  CHECK(status.message() == "operator Frobnicate of ai.onnx opset 17 is not supported");
  CHECK(status.node() == "make_b");
}

TEST_CASE("erasing nodes keeps order and producers") {
  Sketch sketch;
  sketch.input('a');
  sketch.node("a", 'b');
  sketch.node("a", 'c');
  sketch.node("c", 'd');
  sketch.output('d');
  REQUIRE(normalize(sketch.graph).ok());
  erase_nodes(sketch.graph, {true, false, false});
  CHECK(sketch.order() == "cd");
  CHECK(sketch.graph.values[sketch.value('b')].producer == kNoNode);
  CHECK(sketch.graph.values[sketch.value('d')].producer == 1);
}

TEST_CASE("replacing uses reaches readers and graph outputs") {
  Sketch sketch;
  sketch.input('a');
  sketch.node("a", 'b');
  sketch.node("bb", 'c');
  sketch.output('b');
  replace_uses(sketch.graph, sketch.value('b'), sketch.value('a'));
  CHECK(sketch.graph.nodes[1].inputs == std::vector<ValueId>{0, 0});
  CHECK(sketch.graph.outputs == std::vector<ValueId>{0});
}
