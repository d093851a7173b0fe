#include "c_api/last_error.h"

#include <string>
#include <string_view>

#include "base/json_writer.h"
#include "c_api/sardonyx.h"

namespace sardonyx::c_api {
namespace {

std::string& last_error() {
  static std::string text = "{}";
  return text;
}

void field(JsonWriter& json, std::string_view key, std::string_view value) {
  if (!value.empty()) json.key(key).string(value);
}

std::string quoted(std::string_view name) {
  return "'" + std::string(name) + "'";
}

bool names(std::string_view message, std::string_view name) {
  return name.empty() || message.find(quoted(name)) != std::string_view::npos;
}

// The message with the place it is about in front, unless it names it already.
std::string placed_message(const Status& status) {
  std::string text;
  if (!names(status.message(), status.node())) {
    text.append(status.op()).append(" ").append(quoted(status.node())).append(": ");
  } else if (status.node().empty() && !status.op().empty()) {
    text.append(status.op()).append(": ");
  }
  if (!names(status.message(), status.tensor())) {
    text.append("tensor ").append(quoted(status.tensor())).append(": ");
  }
  return text.append(status.message());
}

}  // namespace

int32_t report(const Status& status) {
  if (status.ok()) return 0;
  JsonWriter json;
  json.begin_object();
  json.key("code").string(error_name(status.code()));
  json.key("number").number(static_cast<int64_t>(status.code()));
  json.key("message").string(placed_message(status));
  field(json, "node", status.node());
  field(json, "operator", status.op());
  field(json, "tensor", status.tensor());
  last_error() = json.end_object().take();
  return static_cast<int32_t>(status.code());
}

}  // namespace sardonyx::c_api

extern "C" const char* sx_error(void) {
  return sardonyx::c_api::last_error().c_str();
}
