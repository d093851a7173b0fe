// Strings, sequences and optionals on their way through a run.
#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/engine/value_run.h"

namespace sardonyx::test {
TEST_CASE("a sequence goes in, is changed, and comes out", "[boxes]") {
  GraphBuilder g;
  const ValueId in = g.input("in", {kUnknownDim}, DType::kFloat32, ValueKind::kSequence);
  const ValueId x = g.input("x", {2});
  const ValueId longer = g.node("SequenceInsert", {in, g.node("Neg", {x}), g.scalar<int64_t>(1)});
  g.output(g.node("Identity", {longer}), "longer");
  g.output(g.node("SequenceLength", {longer}), "length");
  g.output(g.node("Relu", {g.node("SequenceAt", {longer, g.scalar<int64_t>(-1)})}), "last");
  g.output(g.node("ConcatFromSequence", {longer}, {{"axis", int64_t{0}}}), "all");
  g.output(in, "same");
  const auto session = compile(g);
  Run run(*session);
  const ConstantPtr first = floats_constant({1}, {5});
  const ConstantPtr pair = floats_constant({2}, {1, -2});
  for (int round = 0; round < 3; ++round) {
    const ConstantPtr last = floats_constant({3}, {7, -8, 9});
    REQUIRE(run.set_input(0, Box({first, last})).ok());
    feed(run, 1, pair);
    finish(run);
    const TensorView longer_view = run.output(0);
    REQUIRE(longer_view.kind == ValueKind::kSequence);
    const auto elements = box_of(longer_view).elements();
    REQUIRE(elements.size() == 3);
    CHECK(floats_of(elements[0]->view()) == std::vector<float>{5});
    CHECK(floats_of(elements[1]->view()) == std::vector<float>{-1, 2});
    CHECK(floats_of(elements[2]->view()) == std::vector<float>{7, -8, 9});
    CHECK(*run.output(1).as<int64_t>() == 3);
    CHECK(floats_of(run.output(2)) == std::vector<float>{7, 0, 9});
    CHECK(floats_of(run.output(3)) == std::vector<float>{5, -1, 2, 7, -8, 9});
    CHECK(box_of(run.output(4)).size() == 2);
    run.reset();
  }
}

TEST_CASE("optionals are fed full and empty", "[boxes]") {
  GraphBuilder g;
  const ValueId in = g.input("in", {2}, DType::kFloat32, ValueKind::kOptional);
  g.output(g.node("OptionalHasElement", {in}), "has");
  g.output(in, "same");
  const auto session = compile(g);
  Run run(*session);
  const ConstantPtr tensor = floats_constant({2}, {3, 4});
  feed(run, 0, tensor);
  finish(run);
  CHECK(*run.output(0).as<uint8_t>() == 1);
  CHECK(floats_of(box_of(run.output(1)).elements()[0]->view()) == std::vector<float>{3, 4});
  REQUIRE(run.set_input(0, Box::absent()).ok());
  finish(run);
  CHECK(*run.output(0).as<uint8_t>() == 0);
  CHECK_FALSE(box_of(run.output(1)).present());
}

TEST_CASE("the element of an empty optional is a failure of the node", "[boxes]") {
  for (const ValueKind kind : {ValueKind::kOptional, ValueKind::kOptionalSequence}) {
    GraphBuilder g;
    const ValueId in = g.input("in", {2}, DType::kFloat32, kind);
    g.output(g.node("OptionalGetElement", {in}), "element");
    const auto session = compile(g);
    Run run(*session);
    REQUIRE(run.set_input(0, Box::absent()).ok());
    Status status = run.start();
    if (status.ok()) status = run.advance(0).take_status();
    CHECK(error_name(status.code()) == "VALUE_RANGE");
    CHECK(status.op() == "OptionalGetElement");
    const ConstantPtr tensor = floats_constant({2}, {3, 4});
    REQUIRE(run.set_input(0, Box({tensor})).ok());
    finish(run);
    CHECK(run.output(0).kind == content_kind(kind));
  }
}

TEST_CASE("strings move like other elements", "[boxes]") {
  GraphBuilder g(21);
  const ValueId x = g.input("x", {kUnknownDim}, DType::kString);
  const ValueId from = g.input("from", {1}, DType::kInt64);
  const ValueId all = g.node("Concat", {x, g.strings({2}, {"", "größer"})}, {{"axis", int64_t{0}}});
  const ValueId part = g.node("Slice", {all, from, g.constant<int64_t>({1}, {100})});
  g.output(g.node("Gather", {part, g.constant<int64_t>({2}, {-1, 0})}), "y");
  g.output(g.node("SequenceConstruct", {part, all}), "both");
  const auto session = compile(g);
  Run run(*session);
  const ConstantPtr texts = strings_constant({"one", "two", "three"});
  auto start = make_constant(DType::kInt64, {1});
  *(*start)->view().as<int64_t>() = 1;
  feed(run, 0, texts);
  feed(run, 1, start.take());
  finish(run);
  CHECK(strings_of(run.output(0)) == std::vector<std::string>{"größer", "two"});
  const auto both = box_of(run.output(1)).elements();
  CHECK(strings_of(both[0]->view()) == std::vector<std::string>{"two", "three", "", "größer"});
  CHECK(strings_of(both[1]->view()).size() == 5);
}

TEST_CASE("feeds of the wrong kind, dtype or shape are refused", "[boxes]") {
  GraphBuilder g;
  g.output(g.input("t", {2}));
  g.output(g.input("s", {2}, DType::kFloat32, ValueKind::kSequence));
  g.output(g.input("o", {2}, DType::kFloat32, ValueKind::kOptional));
  const auto session = compile(g);
  Run run(*session);
  const ConstantPtr good = floats_constant({2}, {1, 2});
  const ConstantPtr short_one = floats_constant({1}, {1});
  const ConstantPtr text = strings_constant({"a", "b"});
  const auto code = [](const Status& status) { return error_name(status.code()); };
  CHECK(code(run.set_input(0, Box({good}))) == "INPUT_DTYPE");
  CHECK(code(run.set_input(1, good->view(), good->payload.bytes)) == "INPUT_DTYPE");
  CHECK(code(run.set_input(1, Box::absent())) == "INPUT_DTYPE");
  CHECK(code(run.set_input(1, Box({good, text}))) == "INPUT_DTYPE");
  CHECK(code(run.set_input(1, Box({good, short_one}))) == "INPUT_SHAPE");
  CHECK(code(run.set_input(2, Box({good, good}))) == "INPUT_DTYPE");
  CHECK(code(run.set_input(2, Box(std::vector<ConstantPtr>()))) == "INPUT_DTYPE");
  CHECK(code(run.set_input(2, short_one->view(), short_one->payload.bytes)) == "INPUT_SHAPE");
  CHECK(code(run.set_input(3, Box())) == "INPUT_UNKNOWN");
  feed(run, 0, good);
  REQUIRE(run.set_input(1, Box()).ok());
  feed(run, 2, good);
  finish(run);
  CHECK(box_of(run.output(1)).size() == 0);
}

TEST_CASE("operators on tensors refuse sequences", "[boxes]") {
  GraphBuilder g;
  const ValueId s = g.input("s", {2}, DType::kFloat32, ValueKind::kSequence);
  g.output(g.node("Add", {s, s}), "y");
  const auto session = Session::create(g.raw());
  REQUIRE_FALSE(session.ok());
  CHECK(error_name(session.status().code()) == "DTYPE_UNSUPPORTED");
  CHECK(session.status().op() == "Add");
}

TEST_CASE("appending shares what is there, and never changes another box", "[boxes]") {
  const ConstantPtr a = floats_constant({1}, {1});
  const ConstantPtr b = floats_constant({1}, {2});
  Box empty;
  Box one = empty.with(a).take();
  Box two = one.with(b).take();
  Box other = one.with(a).take();
  CHECK(one.size() == 1);
  CHECK(two.elements()[1] == b);
  CHECK(other.elements()[1] == a);
  CHECK(two.size() == 2);
  Box longest = two;
  while (longest.size() < kMaxSequenceLength) longest = longest.with(a).take();
  CHECK(error_name(longest.with(a).status().code()) == "LIMIT_EXCEEDED");
}

}  // namespace sardonyx::test
