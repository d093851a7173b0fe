// What the attributes of a Scan say, in both forms of the operator.
#pragma once

#include <cstdint>
#include <vector>

#include "base/status.h"
#include "engine/bodies.h"

namespace sardonyx {

// Scan 8 has a batch axis in front of states, scan inputs and outputs, and an optional list of
// lengths as its first operand; it scans along axis 1.
struct ScanForm {
  bool batched = false;
  size_t first = 0;  // operand that is the first state
  size_t states = 0;
  size_t inputs = 0;   // scan inputs: operands, and inputs of the body, behind the states
  size_t outputs = 0;  // scan outputs: outputs behind the states
  std::vector<int64_t> input_axes, output_axes;  // of a batch entry; may be negative
  std::vector<bool> input_reversed, output_reversed;

  // ATTRIBUTE_INVALID, MODEL_MALFORMED. `outputs` of the node.
  static Result<ScanForm> read(const Node& node, size_t outputs);
};

}  // namespace sardonyx
