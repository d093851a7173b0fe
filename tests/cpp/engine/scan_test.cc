#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/engine/control_run.h"

namespace sardonyx::test {
namespace {

// sum' = sum + slice; the scan output is sum' as well.
Attribute::Value running_sum() {
  GraphBuilder body;
  const ValueId sum = body.untyped_input("sum");
  const ValueId slice = body.untyped_input("slice");
  const ValueId next = body.node("Add", {sum, slice});
  body.output(next, "next");
  body.output(body.node("Identity", {next}), "scan");
  return body.body();
}

}  // namespace

TEST_CASE("Scan goes over the slices of an axis, and stacks along another") {
  GraphBuilder g;
  const ValueId sum = g.input("sum", {2});
  const ValueId x = g.input("x", {2, kUnknownDim});
  const auto out = g.nodes("Scan", {sum, x}, 2,
                           {{"body", running_sum()},
                            {"num_scan_inputs", int64_t{1}},
                            {"scan_input_axes", ints({1})},
                            {"scan_output_axes", ints({-1})}});
  for (ValueId id : out) g.output(id);
  Model model(g);
  for (const double budget : {0.0, 1e-6}) {
    model.run({floats_feed({2}, {0, 100}), floats_feed({2, 3}, {1, 2, 3, 4, 5, 6})}, budget);
    CHECK(model.floats(0) == std::vector<float>{6, 115});
    CHECK(model.shape(1) == Shape{2, 3});
    CHECK(model.floats(1) == std::vector<float>{1, 3, 6, 104, 109, 115});
  }
  model.run({floats_feed({2}, {0, 100}), floats_feed({2, 0}, {})});
  CHECK(model.floats(0) == std::vector<float>{0, 100});
  CHECK(model.shape(1) == Shape{2, 0});
}

TEST_CASE("Scan reads and writes backwards") {
  GraphBuilder g;
  const ValueId x = g.input("x", {3, 1});
  const auto out = g.nodes("Scan", {g.constant<float>({1}, {0}), x}, 2,
                           {{"body", running_sum()},
                            {"num_scan_inputs", int64_t{1}},
                            {"scan_input_directions", ints({1})},
                            {"scan_output_directions", ints({1})}});
  for (ValueId id : out) g.output(id);
  Model model(g);
  model.run({floats_feed({3, 1}, {1, 2, 3})});
  CHECK(model.floats(0) == std::vector<float>{6});
  CHECK(model.floats(1) == std::vector<float>{6, 5, 3});
}

TEST_CASE("Scan 8 has batches with lengths of their own") {
  GraphBuilder g(8);
  const ValueId lengths = g.input("lengths", {2}, DType::kInt64);
  const ValueId sum = g.input("sum", {2, 1});
  const ValueId x = g.input("x", {2, 3, 1});
  GraphBuilder body(8);
  const ValueId a = body.untyped_input("sum");
  const ValueId b = body.untyped_input("slice");
  const ValueId next = body.node("Add", {a, b});
  body.output(next, "next");
  body.output(body.node("Neg", {next}), "scan");
  const auto out = g.nodes("Scan", {lengths, sum, x}, 2,
                           {{"body", body.body()}, {"num_scan_inputs", int64_t{1}}});
  for (ValueId id : out) g.output(id);
  Model model(g);
  const Feed start = floats_feed({2, 1}, {10, 20});
  const Feed data = floats_feed({2, 3, 1}, {1, 2, 3, 4, 5, 6});
  model.run({ints_feed({2}, {3, 1}), start, data});
  CHECK(model.shape(0) == Shape{2, 1});
  CHECK(model.floats(0) == std::vector<float>{16, 24});
  CHECK(model.shape(1) == Shape{2, 3, 1});
  CHECK(model.floats(1) == std::vector<float>{-11, -13, -16, -24, 0, 0});
  model.run({ints_feed({2}, {0, 0}), start, data});
  CHECK(model.floats(0) == std::vector<float>{10, 20});
  CHECK(model.floats(1) == std::vector<float>(6, 0.0f));
  CHECK(model.failure({ints_feed({2}, {4, 0}), start, data}).code() == ErrorCode::VALUE_RANGE);
}

TEST_CASE("a Scan whose inputs or states do not fit is refused") {
  GraphBuilder g;
  const ValueId x = g.input("x", {kUnknownDim, kUnknownDim});
  const ValueId y = g.input("y", {kUnknownDim});
  GraphBuilder body;
  const ValueId state = body.untyped_input("state");
  const ValueId a = body.untyped_input("a");
  const ValueId b = body.untyped_input("b");
  body.output(body.node("Add", {body.node("Add", {a, b}), state}), "next");
  g.output(g.node("Scan", {g.constant<float>({1}, {0}), x, y},
                  {{"body", body.body()}, {"num_scan_inputs", int64_t{2}}}));
  Model model(g);
  model.run({floats_feed({2, 1}, {1, 2}), floats_feed({2}, {3, 4})});
  CHECK(model.floats(0) == std::vector<float>{10});
  CHECK(model.failure({floats_feed({2, 1}, {1, 2}), floats_feed({1}, {3})}).code() ==
        ErrorCode::SHAPE_MISMATCH);
  CHECK(model.failure({floats_feed({2, 2}, {1, 2, 3, 4}), floats_feed({2}, {3, 4})}).code() ==
        ErrorCode::SHAPE_MISMATCH);
}

}  // namespace sardonyx::test
