// Which convolutions Winograd's algorithm computes. Its packed weights are up to four times as
// large as the model's, so that there is a budget.
#pragma once

#include "engine/graph.h"

namespace sardonyx {

// Sets the attribute winograd_tile of the convolutions that are to be computed so. Their packed
// weights add at most half of all weights of the graph to them, or 4 MiB where that is more; early
// layers, which have the large maps and the small weights, come first. Dequantized maps are left
// alone.
void choose_winograd(Graph& graph);

}  // namespace sardonyx
