#include "base/string_tensor.h"

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

namespace sardonyx {
namespace {

std::vector<uint8_t> packed(const std::vector<std::string>& texts) {
  std::vector<uint8_t> bytes;
  for (const std::string& text : texts) {
    const auto size = static_cast<uint32_t>(text.size());
    for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<uint8_t>(size >> (8 * i)));
    bytes.insert(bytes.end(), text.begin(), text.end());
  }
  return bytes;
}

std::string_view code_of(const Shape& shape, const std::vector<uint8_t>& bytes) {
  return error_name(unpack_strings(shape, bytes).status().code());
}

}  // namespace

TEST_CASE("strings are unpacked and packed again") {
  const std::vector<std::string> texts = {
      "", "one", "größer", std::string("a\0b", 3), "", std::string(5000, 'x')};
  const std::vector<uint8_t> bytes = packed(texts);
  const auto made = unpack_strings({2, 3}, bytes);
  REQUIRE(made.ok());
  const TensorView view = made.value()->view();
  CHECK(made.value()->payload.bytes == view.bytes());
  for (size_t i = 0; i < texts.size(); ++i) CHECK(view.as<StringRef>()[i].view() == texts[i]);
  const auto again = pack_strings(view);
  REQUIRE(again.ok());
  REQUIRE(again.value().size() == bytes.size());
  CHECK(std::equal(bytes.begin(), bytes.end(), again.value().data()));
  CHECK(unpack_strings({0, 7}, {}).ok());
}

TEST_CASE("packed strings that are not whole, too many or no text are refused") {
  const std::vector<uint8_t> bytes = packed({"one", "two"});
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    CHECK(code_of({2}, {bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(cut)}) ==
          "INPUT_SIZE");
  }
  CHECK(code_of({1}, bytes) == "INPUT_SIZE");
  CHECK(code_of({3}, bytes) == "INPUT_SIZE");
  CHECK(code_of({}, bytes) == "INPUT_SIZE");
  CHECK(code_of({int64_t{1} << 40}, bytes) == "INPUT_SIZE");
  CHECK(code_of({INT64_MAX, INT64_MAX}, bytes) == "INPUT_SIZE");
  CHECK(code_of({1}, {0xff, 0xff, 0xff, 0xff, 'a'}) == "INPUT_SIZE");
  CHECK(code_of({1}, packed({"\xc3"})) == "INPUT_DTYPE");
  CHECK(code_of({1}, packed({"\xed\xa0\x80"})) == "INPUT_DTYPE");
}

TEST_CASE("constants of strings must be text and as many as the shape says") {
  const std::string_view good[] = {"a", "b"};
  const std::string_view bad[] = {"a", "\xff"};
  CHECK(make_strings({2}, good).ok());
  CHECK(error_name(make_strings({3}, good).status().code()) == "TENSOR_PAYLOAD");
  CHECK(error_name(make_strings({2}, bad).status().code()) == "TENSOR_PAYLOAD");
}

}  // namespace sardonyx
