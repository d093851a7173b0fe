#include "base/status.h"

#include <catch2/catch_test_macros.hpp>
#include <set>

using namespace sardonyx;

namespace {

Status fail() {
  return error(ErrorCode::SHAPE_MISMATCH, "%d and %d differ", 2, 3).at_tensor("x");
}

Status forward() {
  SX_TRY(Status());
  SX_TRY(fail());
  return {};
}

Result<int> compute(bool good) {
  if (good) return 7;
  return fail();
}

Status assign(bool good, int& out) {
  SX_ASSIGN(out, compute(good));
  return {};
}

}  // namespace

TEST_CASE("a default status is OK and has no text") {
  const Status status;
  CHECK(status.ok());
  CHECK(status.code() == ErrorCode::OK);
  CHECK(status.message().empty());
}

TEST_CASE("SX_TRY hands an error up with its place") {
  const Status status = forward().at_node("n", "Add");
  CHECK(status.code() == ErrorCode::SHAPE_MISMATCH);
  CHECK(status.message() == "2 and 3 differ");
  CHECK(status.tensor() == "x");
  CHECK(status.node() == "n");
  CHECK(status.op() == "Add");
}

TEST_CASE("the innermost place is kept") {
  const Status status = fail().at_node("inner", "Mul").at_node("outer", "Loop").at_tensor("y");
  CHECK(status.node() == "inner");
  CHECK(status.op() == "Mul");
  CHECK(status.tensor() == "x");
}

TEST_CASE("SX_ASSIGN takes the value or returns the error") {
  int out = 0;
  CHECK(assign(true, out).ok());
  CHECK(out == 7);
  CHECK(assign(false, out).code() == ErrorCode::SHAPE_MISMATCH);
}

TEST_CASE("error numbers and names are unique") {
  std::set<int> numbers;
  std::set<std::string_view> names;
#define SX_ERROR(code, number, scope, remedy)              \
  CHECK(numbers.insert(number).second);                    \
  CHECK(names.insert(error_name(ErrorCode::code)).second); \
  CHECK(error_name(ErrorCode::code) == #code);             \
  CHECK((number > 0 && number < 256));
#include "base/errors.def"
#undef SX_ERROR
}
