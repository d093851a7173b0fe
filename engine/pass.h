// Device-neutral rewrites of a graph. Each pass is a function in a file of its own in
// engine/passes/.
#pragma once

#include <span>
#include <string_view>

#include "base/status.h"
#include "engine/graph.h"

namespace sardonyx {

// Leaves the graph valid and topologically sorted; sets `changed` when it rewrote anything.
using PassFn = Status (*)(Graph& graph, bool& changed);

struct Pass {
  std::string_view name;
  PassFn run;
  bool cpu_only = false;
};

// The passes in the order in which they run, from engine/passes.def.
std::span<const Pass> all_passes();

// For a graph that normalize() has accepted. Turns Constant nodes into constants, resolves
// operators, expands functions and infers shapes, then runs all passes, the list repeated until
// nothing changes or 8 rounds have run, on the graph and then on each body. Those for the CPU only
// are left out for a GPU. Errors of resolve_graph() and infer_shapes() are returned.
Status run_passes(Graph& graph, bool for_gpu = false);

}  // namespace sardonyx
