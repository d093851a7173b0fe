#include "c_api/last_error.h"

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

}  // namespace

int32_t report(const Status& status) {
  if (status.ok()) return 0;
  JsonWriter json;
  json.begin_object();
  json.key("code").string(error_name(status.code()));
  json.key("number").number(static_cast<int64_t>(status.code()));
  json.key("message").string(status.message());
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
