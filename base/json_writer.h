// Building JSON text for the C ABI.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sardonyx {

// Commas are put by the writer. The caller balances begin and end calls.
class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);
  // Invalid UTF-8 is replaced, so that the text is always valid JSON.
  JsonWriter& string(std::string_view value);
  JsonWriter& number(int64_t value);
  JsonWriter& boolean(bool value) { return literal(value ? "true" : "false"); }
  JsonWriter& null() { return literal("null"); }

  std::string take() { return std::move(text_); }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  JsonWriter& literal(std::string_view value);
  void separate();
  void quote(std::string_view value);

  std::string text_;
};

}  // namespace sardonyx
