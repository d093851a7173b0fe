// Strings, sequences and optionals in the bodies of control flow.
#include <catch2/catch_test_macros.hpp>

#include "base/string_tensor.h"
#include "tests/cpp/engine/control_run.h"

namespace sardonyx::test {
namespace {

std::vector<std::string> strings_of(const TensorView& view) {
  REQUIRE(view.dtype == DType::kString);
  std::vector<std::string> out;
  for (int64_t i = 0; i < view.elements(); ++i) out.emplace_back(view.as<StringRef>()[i].view());
  return out;
}

std::vector<std::vector<float>> floats_in(const TensorView& view) {
  REQUIRE(view.kind == ValueKind::kSequence);
  std::vector<std::vector<float>> out;
  for (const ConstantPtr& element : box_of(view).elements()) {
    const TensorView tensor = element->view();
    out.emplace_back(tensor.as<float>(), tensor.as<float>() + tensor.elements());
  }
  return out;
}

ConstantPtr list_of(const std::vector<float>& values) {
  auto made = make_constant(DType::kFloat32, {static_cast<int64_t>(values.size())});
  REQUIRE(made.ok());
  std::copy(values.begin(), values.end(), (*made)->view().as<float>());
  return made.take();
}

Status finish(Run& run) {
  SX_TRY(run.start());
  return run.advance(0).take_status();
}

}  // namespace

TEST_CASE("strings and sequences of them are carried by a Loop", "[boxes]") {
  GraphBuilder g(20);
  const ValueId count = g.input("count", {}, DType::kInt64);
  const ValueId text = g.input("text", {1}, DType::kString);
  const ValueId list =
      g.node("SequenceEmpty", {}, {{"dtype", int64_t{static_cast<uint8_t>(DType::kString)}}});
  GraphBuilder body(20);
  const ValueId i = body.untyped_input("i");
  const ValueId condition = body.untyped_input("cond");
  const ValueId line = body.untyped_input("line");
  const ValueId lines = body.untyped_input("lines");
  const ValueId word = body.capture("text");
  (void)i;
  const ValueId longer = body.node("StringConcat", {line, word});
  body.output(condition);
  body.output(longer, "longer");
  body.output(body.node("SequenceInsert", {lines, longer}), "more");
  body.output(body.node("Identity", {longer}), "scan");
  const auto out = g.nodes("Loop", {count, kNoValue, text, list, text}, 3, {{"body", body.body()}});
  g.output(out[0]);
  g.output(g.node("SequenceAt", {out[1], g.scalar<int64_t>(1)}));
  g.output(out[2]);
  Model model(g);
  Run& run = model.state();
  const auto letters = make_strings({1}, std::vector<std::string_view>{"ab"}).take();
  for (int64_t n : {3, 2}) {
    REQUIRE(run.set_input(0, {DType::kInt64, Layout::kRowMajor, {}, &n}, 8).ok());
    REQUIRE(run.set_input(1, letters->view(), letters->payload.bytes).ok());
    REQUIRE(finish(run).ok());
    CHECK(strings_of(run.output(0))[0].size() == static_cast<size_t>(2 * (n + 1)));
    CHECK(strings_of(run.output(1)) == std::vector<std::string>{"ababab"});
    CHECK(run.output(2).shape == Shape{n, 1});
    CHECK(strings_of(run.output(2))[0] == "abab");
  }
}

TEST_CASE("SequenceMap runs its body on each element", "[boxes]") {
  GraphBuilder g;
  const ValueId list = g.input("list", {kUnknownDim}, DType::kFloat32, ValueKind::kSequence);
  const ValueId shift = g.input("shift", {1});
  const ValueId scale = g.input("scale", {1});
  GraphBuilder body;
  const ValueId element = body.untyped_input("element");
  const ValueId added = body.untyped_input("added");
  const ValueId factor = body.capture("scale");
  body.output(body.node("Mul", {body.node("Add", {element, added}), factor}), "y");
  body.output(body.node("Shape", {element}), "dims");
  const auto out = g.nodes("SequenceMap", {list, shift, scale}, 2, {{"body", body.body()}});
  g.output(out[0]);
  g.output(g.node("SequenceLength", {out[1]}));
  Model model(g);
  Run& run = model.state();
  std::vector<float> one{1}, ten{10};
  REQUIRE(run.set_input(0, Box({list_of({1, 2}), list_of({3})})).ok());
  REQUIRE(run.set_input(1, {DType::kFloat32, Layout::kRowMajor, {1}, one.data()}, 4).ok());
  REQUIRE(run.set_input(2, {DType::kFloat32, Layout::kRowMajor, {1}, ten.data()}, 4).ok());
  REQUIRE(finish(run).ok());
  CHECK(floats_in(run.output(0)) == std::vector<std::vector<float>>{{20, 30}, {40}});
  CHECK(model.ints(1) == std::vector<int64_t>{2});
  REQUIRE(run.set_input(0, Box(std::vector<ConstantPtr>())).ok());
  REQUIRE(finish(run).ok());
  CHECK(floats_in(run.output(0)).empty());
}

TEST_CASE("branches must agree on the kind of their outputs", "[boxes]") {
  GraphBuilder g, then_body, else_body;
  const ValueId c = g.input("c", {}, DType::kBool);
  const ValueId x = g.input("x", {1});
  then_body.output(then_body.node("SequenceConstruct", {then_body.capture("x")}), "y");
  else_body.output(else_body.capture("x"));
  g.output(g.node("If", {c, x, x},
                  {{"then_branch", then_body.body()}, {"else_branch", else_body.body()}}));
  CHECK(compile_failure(g).code() == ErrorCode::DTYPE_UNSUPPORTED);
}

}  // namespace sardonyx::test
