#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {

TEST_CASE("StringNormalizer changes case and takes stop words out", "[string_normalizer]") {
  const TestTensor days = strings({4}, {"Monday", "tuesday", "größe", "MONDAY"});
  OpTest("StringNormalizer")
      .set("case_change_action", "UPPER")
      .input(days)
      .expect(strings({4}, {"MONDAY", "TUESDAY", "GRÖßE", "MONDAY"}))
      .run();
  OpTest("StringNormalizer")
      .set("case_change_action", "LOWER")
      .set("is_case_sensitive", 1)
      .strings("stopwords", {"Monday"})
      .input(days)
      .expect(strings({3}, {"tuesday", "größe", "monday"}))
      .run();
  OpTest("StringNormalizer")
      .strings("stopwords", {"monDAY", "GRÖßE"})
      .input(strings({1, 4}, {"Monday", "tuesday", "größe", "MONDAY"}))
      .expect(strings({1, 1}, {"tuesday"}))
      .run();
}

TEST_CASE("StringNormalizer leaves one empty string of nothing", "[string_normalizer]") {
  OpTest("StringNormalizer")
      .strings("stopwords", {"a"})
      .input(strings({2}, {"a", "A"}))
      .expect(strings({1}, {""}))
      .run();
  OpTest("StringNormalizer").input(strings({0}, {})).expect(strings({1}, {""})).run();
}

TEST_CASE("StringNormalizer refuses other dtypes, shapes and actions", "[string_normalizer]") {
  OpTest("StringNormalizer").input(f32({1}, {1})).fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("StringNormalizer").input(strings({}, {"a"})).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("StringNormalizer").input(strings({2, 1}, {"a", "b"})).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("StringNormalizer")
      .set("case_change_action", "TITLE")
      .input(strings({1}, {"a"}))
      .fails(ErrorCode::ATTRIBUTE_INVALID);
}

}  // namespace sardonyx::test
