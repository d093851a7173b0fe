#include "tools/native/model_lookups.h"

#include <utility>

#include "engine/session.h"
#include "tests/cpp/golden/golden_data.h"

namespace sardonyx::tool {

Result<Lookups> lookups_of(const std::string& path) {
  take_lookups();
  SX_ASSIGN(std::unique_ptr<Graph> graph, test::load_graph(path));
  SessionOptions all_fed;
  for (ValueId id : graph->inputs) {
    const Value& value = graph->values[id];
    if (value.optional_input) all_fed.fed_weights.push_back(value.name);
  }
  SX_TRY(Session::create(std::move(graph)).take_status());
  if (!all_fed.fed_weights.empty()) {
    SX_ASSIGN(graph, test::load_graph(path));
    SX_TRY(Session::create(std::move(graph), all_fed).take_status());
  }
  return take_lookups();
}

}  // namespace sardonyx::tool
