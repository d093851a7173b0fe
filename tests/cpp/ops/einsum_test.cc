#include <catch2/catch_test_macros.hpp>
#include <map>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/movement.h"

namespace sardonyx::test {
namespace {

struct Case {
  const char* equation;
  std::vector<std::string> operands;  // labels, the axes of an ellipsis spelled out as digits
  std::string output;
};

// Every label has one extent.
int64_t extent(char label) {
  static const std::map<char, int64_t> extents = {{'i', 2}, {'j', 3}, {'k', 4}, {'b', 2},
                                                  {'h', 3}, {'Z', 2}, {'1', 2}, {'2', 3}};
  return extents.at(label);
}

Shape shape_of(const std::string& labels) {
  Shape out;
  for (char label : labels) out.push_back(extent(label));
  return out;
}

TestTensor einsum(const Case& c, const std::vector<TestTensor>& operands) {
  std::string labels = c.output;
  for (const std::string& operand : c.operands) {
    for (char label : operand) {
      if (labels.find(label) == std::string::npos) labels += label;
    }
  }
  TestTensor out = make_tensor(operands[0].dtype, shape_of(c.output));
  std::vector<double> sums(static_cast<size_t>(out.size()), 0);
  const Shape loops = shape_of(labels);
  for (int64_t step = 0; step < loops.product(0, loops.rank()); ++step) {
    const auto at = reference::coordinates(step, loops);
    const auto place = [&](const std::string& term) {
      std::vector<int64_t> index;
      for (char label : term) index.push_back(at[labels.find(label)]);
      return reference::linear_index(index, shape_of(term));
    };
    double product = 1;
    for (size_t i = 0; i < operands.size(); ++i) {
      product *= element(operands[i], place(c.operands[i]));
    }
    sums[static_cast<size_t>(place(c.output))] += product;
  }
  for (int64_t i = 0; i < out.size(); ++i) set_element(out, i, sums[static_cast<size_t>(i)]);
  return out;
}

const Case kCases[] = {
    {"ij,jk->ik", {"ij", "jk"}, "ik"},
    {"ij,jk", {"ij", "jk"}, "ik"},
    {" i j , j k -> k i ", {"ij", "jk"}, "ki"},
    {"bij,bjk->bik", {"bij", "bjk"}, "bik"},
    {"bhij,bhkj->bhik", {"bhij", "bhkj"}, "bhik"},
    {"ij->ji", {"ij"}, "ji"},
    {"ji", {"ji"}, "ij"},
    {"jZ", {"jZ"}, "Zj"},
    {"ij->", {"ij"}, ""},
    {"ii->i", {"ii"}, "i"},
    {"ii", {"ii"}, ""},
    {"iij,j->j", {"iij", "j"}, "j"},
    {"i,i", {"i", "i"}, ""},
    {"i,j->ij", {"i", "j"}, "ij"},
    {",i->i", {"", "i"}, "i"},
    {"->", {""}, ""},
    {"ij,jk,ki->", {"ij", "jk", "ki"}, ""},
    {"i,i,i->i", {"i", "i", "i"}, "i"},
    {"...ij,...jk->...ik", {"12ij", "12jk"}, "12ik"},
    {"...ij,...jk", {"2ij", "12jk"}, "12ik"},
    {"...ii->...i", {"12ii"}, "12i"},
    {"...i->i...", {"12i"}, "i12"},
    {"i...,i...->...", {"i12", "i12"}, "12"},
};

}  // namespace

TEST_CASE("Einsum of every kind of equation", "[einsum]") {
  for (const Case& c : kCases) {
    for (DType dtype : {DType::kFloat32, DType::kFloat64, DType::kInt32}) {
      OpTest test("Einsum", 12);
      test.set("equation", c.equation).tolerance(1e-5, 1e-5);
      std::vector<TestTensor> operands;
      for (const std::string& labels : c.operands) {
        operands.push_back(
            random_tensor(dtype, shape_of(labels), static_cast<uint32_t>(operands.size()), -3, 3));
        test.input(operands.back());
      }
      test.expect(einsum(c, operands)).run();
    }
  }
}

TEST_CASE("Einsum repeats dims of 1, and sums nothing to 0", "[einsum]") {
  OpTest("Einsum", 12)
      .set("equation", "...i,...i->...i")
      .input(f32({1, 2}, {1, 2}))
      .input(f32({2, 2}, {1, 2, 3, 4}))
      .expect(f32({2, 2}, {1, 4, 3, 8}))
      .run();
  OpTest("Einsum", 12)
      .set("equation", "ij,jk->ik")
      .input(f32({2, 0}, {}))
      .input(f32({0, 1}, {}))
      .expect(f32({2, 1}, {0, 0}))
      .run();
}

TEST_CASE("Einsum refuses what is no equation", "[einsum]") {
  const TestTensor x = random_f32({2, 3}, 1);
  for (const char* equation : {"ij->ii", "ij->k", "i1", "ij->j->i", "ij-", "i..j", "......", "i,j",
                               "aaaaaaaaaaaaaaaaaa", ""}) {
    INFO(equation);
    OpTest test("Einsum", 12);
    test.set("equation", equation).input(x);
    test.fails(equation[0] == 0 ? ErrorCode::SHAPE_MISMATCH : ErrorCode::ATTRIBUTE_INVALID);
  }
  OpTest("Einsum", 12).set("equation", "ijk").input(x).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("Einsum", 12).set("equation", "ii").input(x).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("Einsum", 12).set("equation", "...ijk").input(x).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("Einsum", 12)
      .set("equation", "ij,ij")
      .input(x)
      .input(random_f32({3, 3}, 1))
      .fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("Einsum", 12)
      .set("equation", "ij,ij")
      .input(x)
      .input(i64({1, 1}, {1}))
      .fails(ErrorCode::DTYPE_UNSUPPORTED);
}

}  // namespace sardonyx::test
