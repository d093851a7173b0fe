// The operators on sequences and optionals.
#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/engine/value_run.h"

namespace sardonyx::test {
namespace {

Attribute type_of(ValueKind kind, DType dtype) {
  return {"type", ValueType{kind, dtype}};
}

Attribute number(const char* name, int64_t value) {
  return {name, value};
}

// x [3, 4] counts from 0.
ConstantPtr counted() {
  return floats_constant({3, 4}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
}

}  // namespace

TEST_CASE("tensors are inserted, erased and taken at positions from either end", "[sequence]") {
  GraphBuilder g;
  const ValueId a = g.input("a", {1}), b = g.input("b", {1}), at = g.input("at", {}, DType::kInt64);
  ValueId s = g.node("SequenceEmpty", {});
  s = g.node("SequenceInsert", {s, a});
  s = g.node("SequenceInsert", {s, b});
  const ValueId three = g.node("SequenceInsert", {s, g.node("Add", {a, b}), at});
  const ValueId two = g.node("SequenceErase", {three, at});
  g.output(g.node("ConcatFromSequence", {three}, {number("axis", 0)}), "three");
  g.output(g.node("ConcatFromSequence", {two}, {number("axis", 0)}), "two");
  g.output(g.node("SequenceAt", {three, at}), "at");
  const ValueId last = g.node("SequenceErase", {three});
  g.output(g.node("ConcatFromSequence", {last}, {number("axis", 0)}), "without last");
  const auto session = compile(g);
  Run run(*session);
  const auto check = [&](int64_t place, const std::vector<float>& expected,
                         const std::vector<float>& erased) {
    feed(run, 0, floats_constant({1}, {1}));
    feed(run, 1, floats_constant({1}, {2}));
    feed(run, 2, ints_constant({}, {place}));
    finish(run);
    CHECK(floats_of(run.output(0)) == expected);
    CHECK(floats_of(run.output(1)) == erased);
    CHECK(floats_of(run.output(3)) == std::vector<float>{expected[0], expected[1]});
  };
  check(0, {3, 1, 2}, {1, 2});
  check(1, {1, 3, 2}, {1, 2});
  check(2, {1, 2, 3}, {1, 2});
  check(-1, {1, 3, 2}, {1, 3});
  check(-2, {3, 1, 2}, {3, 2});
}

TEST_CASE("positions out of range and empty sequences are failures of the node", "[sequence]") {
  for (const char* type : {"SequenceInsert", "SequenceErase", "SequenceAt"}) {
    for (const int64_t place : {int64_t{3}, int64_t{-3}, INT64_MAX, INT64_MIN}) {
      GraphBuilder g;
      const ValueId x = g.input("x", {2}), at = g.input("at", {}, DType::kInt64);
      const ValueId s = g.node("SequenceConstruct", {x, x});
      const bool insert = std::string_view(type) == "SequenceInsert";
      g.output(insert ? g.node(type, {s, x, at}) : g.node(type, {s, at}), "y");
      CHECK(failure_of(g, {floats_constant({2}, {1, 2}), ints_constant({}, {place})}) ==
            "INDEX_RANGE");
    }
  }
  GraphBuilder erase;
  erase.output(erase.node("SequenceErase", {erase.node("SequenceEmpty", {})}), "y");
  CHECK(failure_of(erase, {}) == "INDEX_RANGE");
  GraphBuilder join;
  const ValueId empty = join.node("SequenceEmpty", {});
  join.output(join.node("ConcatFromSequence", {empty}, {number("axis", 0)}), "y");
  CHECK(failure_of(join, {}) == "VALUE_RANGE");
}

TEST_CASE("dtypes and kinds that do not fit are refused", "[sequence]") {
  const auto refused = [](auto build) {
    GraphBuilder g;
    g.output(build(g, g.input("x", {2}), g.input("n", {2}, DType::kInt64)), "y");
    return failure_of(g, {floats_constant({2}, {1, 2}), ints_constant({2}, {1, 2})});
  };
  CHECK(refused([](auto& g, ValueId x, ValueId n) {
          return g.node("SequenceConstruct", {x, n});
        }) == "DTYPE_UNSUPPORTED");
  CHECK(refused([](auto& g, ValueId x, ValueId n) {
          return g.node("SequenceInsert", {g.node("SequenceConstruct", {x}), n});
        }) == "DTYPE_UNSUPPORTED");
  CHECK(refused([](auto& g, ValueId x, ValueId) { return g.node("SequenceLength", {x}); }) ==
        "DTYPE_UNSUPPORTED");
  CHECK(refused([](auto& g, ValueId x, ValueId) { return g.node("SequenceAt", {x, x}); }) ==
        "DTYPE_UNSUPPORTED");
  CHECK(refused([](auto& g, ValueId x, ValueId) {
          const ValueId s = g.node("SequenceConstruct", {x});
          return g.node("SequenceAt", {s, x});
        }) == "DTYPE_UNSUPPORTED");
  CHECK(refused([](auto& g, ValueId x, ValueId) {
          const ValueId s = g.node("SequenceConstruct", {x});
          return g.node("SequenceConstruct", {s});
        }) == "DTYPE_UNSUPPORTED");
  CHECK(refused([](auto& g, ValueId, ValueId) {
          return g.node("SequenceEmpty", {}, {number("dtype", 77)});
        }) == "ATTRIBUTE_INVALID");
  CHECK(refused([](auto& g, ValueId x, ValueId) {
          return g.node("Optional", {g.node("Optional", {x})});
        }) == "DTYPE_UNSUPPORTED");
  CHECK(refused([](auto& g, ValueId, ValueId) { return g.node("Optional", {}); }) ==
        "ATTRIBUTE_INVALID");
}

TEST_CASE("SplitToSequence cuts in ones, in equal parts and in parts of given sizes",
          "[sequence]") {
  const auto parts = [](AttributeList attributes, const ConstantPtr& split) {
    GraphBuilder g;
    std::vector<ValueId> inputs = {g.input("x", {kUnknownDim, 4})};
    if (split) inputs.push_back(g.input("split", split->shape, DType::kInt64));
    g.output(g.node("SplitToSequence", inputs, std::move(attributes)), "parts");
    const auto session = compile(g);
    Run run(*session);
    feed(run, 0, counted());
    if (split) feed(run, 1, split);
    finish(run);
    std::vector<std::pair<std::string, std::vector<float>>> out;
    for (const ConstantPtr& part : box_of(run.output(0)).elements()) {
      out.push_back({part->shape.to_string(), floats_of(part->view())});
    }
    return out;
  };
  const auto rows = parts({number("keepdims", 0)}, nullptr);
  REQUIRE(rows.size() == 3);
  CHECK(rows[2] == std::pair(std::string("[4]"), std::vector<float>{8, 9, 10, 11}));
  CHECK(parts({}, nullptr)[1].first == "[1,4]");
  const auto pairs = parts({number("axis", -1)}, ints_constant({}, {3}));
  REQUIRE(pairs.size() == 2);
  CHECK(pairs[0].second == std::vector<float>{0, 1, 2, 4, 5, 6, 8, 9, 10});
  CHECK(pairs[1] == std::pair(std::string("[3,1]"), std::vector<float>{3, 7, 11}));
  const auto given =
      parts({number("axis", 1), number("keepdims", 0)}, ints_constant({3}, {1, 0, 3}));
  REQUIRE(given.size() == 3);
  CHECK(given[1].first == "[3,0]");
  CHECK(given[2].second == std::vector<float>{1, 2, 3, 5, 6, 7, 9, 10, 11});
}

TEST_CASE("SplitToSequence refuses sizes that do not fit", "[sequence]") {
  const auto code = [](int64_t axis, const ConstantPtr& split) {
    GraphBuilder g;
    const ValueId x = g.input("x", {3, 4});
    const ValueId sizes = g.input("split", split->shape, DType::kInt64);
    g.output(g.node("SplitToSequence", {x, sizes}, {number("axis", axis)}), "parts");
    return failure_of(g, {counted(), split});
  };
  CHECK(code(0, ints_constant({2}, {1, 1})) == "SHAPE_MISMATCH");
  CHECK(code(0, ints_constant({2}, {-1, 4})) == "VALUE_RANGE");
  CHECK(code(0, ints_constant({2}, {INT64_MAX, INT64_MAX})) == "VALUE_RANGE");
  CHECK(code(0, ints_constant({}, {0})) == "VALUE_RANGE");
  CHECK(code(0, ints_constant({}, {-2})) == "VALUE_RANGE");
  CHECK(code(2, ints_constant({}, {1})) == "ATTRIBUTE_INVALID");
  CHECK(code(0, ints_constant({1, 1}, {1})) == "SHAPE_MISMATCH");
}

TEST_CASE("ConcatFromSequence joins along an axis or a new one", "[sequence]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {3, 4});
  const ValueId s = g.node("SequenceConstruct", {x, g.node("Neg", {x})});
  g.output(g.node("ConcatFromSequence", {s}, {number("axis", 1)}), "joined");
  g.output(g.node("ConcatFromSequence", {s}, {number("axis", -1), number("new_axis", 1)}),
           "stacked");
  const auto session = compile(g);
  Run run(*session);
  feed(run, 0, counted());
  finish(run);
  CHECK(run.output(0).shape == Shape{3, 8});
  CHECK(run.output(1).shape == Shape{3, 4, 2});
  for (int64_t i = 0; i < 12; ++i) {
    CHECK(run.output(0).as<float>()[i / 4 * 8 + 4 + i % 4] == static_cast<float>(-i));
    CHECK(run.output(1).as<float>()[2 * i + 1] == static_cast<float>(-i));
  }
  for (const int64_t axis : {int64_t{2}, int64_t{-4}}) {
    GraphBuilder wrong;
    const ValueId y = wrong.input("x", {3, 4});
    const ValueId pair = wrong.node("SequenceConstruct", {y, y});
    wrong.output(wrong.node("ConcatFromSequence", {pair}, {number("axis", axis)}), "y");
    CHECK(failure_of(wrong, {counted()}) == "ATTRIBUTE_INVALID");
  }
  GraphBuilder uneven;
  const ValueId y = uneven.input("x", {3, 4});
  const ValueId pair = uneven.node("SequenceConstruct", {y, uneven.node("Transpose", {y})});
  uneven.output(uneven.node("ConcatFromSequence", {pair}, {number("axis", 0)}), "y");
  CHECK(failure_of(uneven, {counted()}) == "SHAPE_MISMATCH");
}

TEST_CASE("optionals hold tensors, sequences or nothing", "[sequence]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {2});
  const ValueId some = g.node("Optional", {x});
  const ValueId many = g.node("Optional", {g.node("SequenceConstruct", {x, x})});
  const ValueId none = g.node("Optional", {}, {type_of(ValueKind::kSequence, DType::kInt64)});
  g.output(g.node("Neg", {g.node("OptionalGetElement", {some})}), "element");
  g.output(g.node("SequenceLength", {g.node("OptionalGetElement", {many})}), "length");
  g.output(g.node("OptionalHasElement", {none}), "has none");
  g.output(g.node("OptionalHasElement", {many}), "has many");
  g.output(g.node("OptionalHasElement", {}), "has no input");
  g.output(g.node("OptionalHasElement", {x}), "has tensor");
  g.output(none, "none");
  const auto session = compile(g);
  Run run(*session);
  feed(run, 0, floats_constant({2}, {1, 2}));
  finish(run);
  CHECK(floats_of(run.output(0)) == std::vector<float>{-1, -2});
  CHECK(ints_of(run.output(1)) == std::vector<int64_t>{2});
  const int expected[] = {0, 1, 0, 1};
  for (size_t i = 0; i < 4; ++i) CHECK(*run.output(2 + i).as<uint8_t>() == expected[i]);
  CHECK(run.output(6).kind == ValueKind::kOptionalSequence);
  CHECK(run.output(6).dtype == DType::kInt64);
}

}  // namespace sardonyx::test
