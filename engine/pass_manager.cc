#include "engine/functions/resolve.h"
#include "engine/graph_edit.h"
#include "engine/pass.h"
#include "engine/passes/inline_constants.h"

namespace sardonyx {

#define SX_PASS(name) Status pass_##name(Graph& graph, bool& changed);
#include "engine/passes.def"
#undef SX_PASS

namespace {

constexpr Pass kPasses[] = {
#define SX_PASS(name) {#name, pass_##name},
#include "engine/passes.def"
#undef SX_PASS
};

constexpr int kMaxRounds = 8;

}  // namespace

std::span<const Pass> all_passes() {
  return kPasses;
}

Status run_passes(Graph& graph) {
  SX_TRY(inline_constants(graph));
  SX_TRY(resolve_graph(graph));
  for (int round = 0; round < kMaxRounds; ++round) {
    bool any = false;
    for (const Pass& pass : all_passes()) {
      bool changed = false;
      SX_TRY(pass.run(graph, changed));
      if (!changed) continue;
      SX_TRY(infer_shapes(graph));
      any = true;
    }
    if (!any) break;
  }
  return {};
}

}  // namespace sardonyx
