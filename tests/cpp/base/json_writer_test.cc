#include "base/json_writer.h"

#include <catch2/catch_test_macros.hpp>

using sardonyx::JsonWriter;

TEST_CASE("JSON is separated and nested") {
  JsonWriter json;
  json.begin_object().key("a").number(-1).key("b").begin_array();
  json.boolean(true).null().string("x").begin_array().end_array().end_array();
  json.key("c").begin_object().end_object().end_object();
  CHECK(json.take() == R"({"a":-1,"b":[true,null,"x",[]],"c":{}})");
}

TEST_CASE("strings are escaped and invalid UTF-8 is replaced") {
  const auto quoted = [](std::string_view text) {
    JsonWriter json;
    json.string(text);
    return json.take();
  };
  CHECK(quoted("a\"b\\c\n") == R"("a\"b\\c\u000a")");
  CHECK(quoted("gr\xC3\xBC\xC3\x9F") == "\"gr\xC3\xBC\xC3\x9F\"");
  CHECK(quoted("\xF0\x9F\x98\x80") == "\"\xF0\x9F\x98\x80\"");
  CHECK(quoted("\xC3") == R"("\ufffd")");
  CHECK(quoted("\xC0\xAF") == R"("\ufffd\ufffd")");
  CHECK(quoted("\xED\xA0\x80") == R"("\ufffd\ufffd\ufffd")");
  CHECK(quoted("\xF5x") == R"("\ufffdx")");
}
