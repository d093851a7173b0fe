#include "base/packed_box.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <vector>

#include "base/string_tensor.h"

namespace sardonyx {
namespace {

ConstantPtr floats(const Shape& shape, float first) {
  auto made = make_constant(DType::kFloat32, shape).take();
  for (int64_t i = 0; i < made->view().elements(); ++i) {
    made->view().as<float>()[i] = first + static_cast<float>(i);
  }
  return made;
}

ConstantPtr texts() {
  const std::string_view values[] = {"", "zwölf"};
  return make_strings({2}, values).take();
}

std::vector<uint8_t> bytes_of(const Box& box) {
  const auto packed = pack_box(box);
  REQUIRE(packed.ok());
  return {packed.value().data(), packed.value().data() + packed.value().size()};
}

std::vector<uint8_t> words(const std::vector<uint32_t>& values) {
  std::vector<uint8_t> bytes;
  for (const uint32_t value : values) {
    for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<uint8_t>(value >> (8 * i)));
  }
  return bytes;
}

std::string_view code_of(const std::vector<uint8_t>& bytes) {
  return error_name(unpack_box(bytes).status().code());
}

}  // namespace

TEST_CASE("boxes are packed and unpacked") {
  const Box box({floats({2, 3}, 1), texts(), floats({}, 7), floats({0, 4}, 0)});
  const std::vector<uint8_t> bytes = bytes_of(box);
  auto again = unpack_box(bytes);
  REQUIRE(again.ok());
  REQUIRE(again->size() == 4);
  CHECK(again->present());
  CHECK(again->elements()[0]->shape == Shape{2, 3});
  CHECK(again->elements()[0]->view().as<float>()[5] == 6);
  CHECK(again->elements()[1]->view().as<StringRef>()[1].view() == "zwölf");
  CHECK(again->elements()[2]->shape == Shape{});
  CHECK(again->elements()[3]->shape == Shape{0, 4});
  CHECK(bytes_of(*again) == bytes);
  CHECK(unpack_box(bytes_of(Box()))->size() == 0);
  CHECK_FALSE(unpack_box(bytes_of(Box::absent()))->present());
}

TEST_CASE("a packed box that was cut is refused at every place") {
  const std::vector<uint8_t> bytes = bytes_of(Box({floats({2}, 1), texts()}));
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    CHECK(code_of({bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(cut)}) == "INPUT_SIZE");
  }
  std::vector<uint8_t> longer = bytes;
  longer.push_back(0);
  CHECK(code_of(longer) == "INPUT_SIZE");
}

TEST_CASE("counts, dtypes, ranks and sizes of a packed box are checked") {
  CHECK(code_of(words({0xfffffffe})) == "INPUT_SIZE");
  CHECK(code_of(words({1 << 20})) == "INPUT_SIZE");
  CHECK(code_of(words({1, 99, 0, 4, 0})) == "INPUT_DTYPE");
  CHECK(code_of(words({1, 0, 0, 4, 0})) == "INPUT_DTYPE");
  CHECK(code_of(words({1, 0xffffffff, 0, 4, 0})) == "INPUT_DTYPE");
  CHECK(code_of(words({1, 1, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1, 4, 0})) == "INPUT_SHAPE");
  CHECK(code_of(words({1, 1, 1, 2, 4, 0})) == "INPUT_SIZE");
  CHECK(code_of(words({1, 1, 2, 0xffffffff, 0xffffffff, 4, 0})) == "INPUT_SIZE");
  CHECK(code_of(words({1, 8, 1, 0xffffffff, 4, 0})) == "INPUT_SIZE");
  CHECK(code_of(words({0, 0})) == "INPUT_SIZE");
}

}  // namespace sardonyx
