#include "engine/bodies.h"
#include "engine/captures.h"
#include "engine/functions/resolve.h"
#include "engine/graph_edit.h"
#include "engine/pass.h"
#include "engine/passes/inline_constants.h"

namespace sardonyx {

#define SX_PASS(name) Status pass_##name(Graph& graph, bool& changed);
#define SX_CPU_PASS SX_PASS
#include "engine/passes.def"
#undef SX_CPU_PASS
#undef SX_PASS

namespace {

constexpr Pass kPasses[] = {
#define SX_PASS(name) {#name, pass_##name},
#define SX_CPU_PASS(name) {#name, pass_##name, true},
#include "engine/passes.def"
#undef SX_CPU_PASS
#undef SX_PASS
};

constexpr int kMaxRounds = 8;

Status run_rounds(Graph& graph, bool for_gpu) {
  for (int round = 0; round < kMaxRounds; ++round) {
    bool any = false;
    for (const Pass& pass : all_passes()) {
      if (for_gpu && pass.cpu_only) continue;
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

// The passes, then the same for the bodies, which know by then what is constant around them.
Status optimize(Graph& graph, bool for_gpu) {
  SX_TRY(run_rounds(graph, for_gpu));
  bool fewer_captures = false;
  for (Node& node : graph.nodes) {
    if (!(node.op->flags & kControlFlow)) continue;
    capture_constants(graph, node);
    for (const Body& body : bodies_of(node)) {
      // A branch of an If that does not fit stays as it is: lowering tells.
      if (!resolve_graph(*body.graph).ok()) continue;
      SX_TRY(optimize(*body.graph, for_gpu).in_body(describe_body(node, body.attribute)));
    }
    fewer_captures = drop_unused_captures(node) || fewer_captures;
  }
  if (!fewer_captures) return {};
  bool changed = false;
  SX_TRY(pass_remove_unused(graph, changed));
  return {};
}

}  // namespace

std::span<const Pass> all_passes() {
  return kPasses;
}

Status run_passes(Graph& graph, bool for_gpu) {
  SX_TRY(check_body_depth(graph));
  SX_TRY(inline_constants(graph));
  SX_TRY(resolve_graph(graph));
  return optimize(graph, for_gpu);
}

}  // namespace sardonyx
