#include "tools/native/failure.h"

#include <cstdio>
#include <string>

namespace sardonyx::tool {

void print_failure(const Status& status) {
  std::string text(error_name(status.code()));
  text += ": " + std::string(status.message());
  if (!status.node().empty()) text += ", node '" + std::string(status.node()) + "'";
  if (!status.op().empty()) text += ", operator " + std::string(status.op());
  if (!status.tensor().empty()) text += ", tensor '" + std::string(status.tensor()) + "'";
  std::fprintf(stderr, "%s\n", text.c_str());
}

}  // namespace sardonyx::tool
