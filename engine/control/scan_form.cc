#include "engine/control/scan_form.h"

namespace sardonyx {
namespace {

// One number per input or output, 0 where the attribute is left out.
Result<std::vector<int64_t>> numbers(const Node& node, const char* attribute, size_t count) {
  const auto given = node.attributes.get_ints(attribute);
  if (given.empty()) return std::vector<int64_t>(count, 0);
  if (given.size() == count) return std::vector<int64_t>(given.begin(), given.end());
  return error(ErrorCode::ATTRIBUTE_INVALID, "%s lists %zu numbers for %zu", attribute,
               given.size(), count);
}

Result<std::vector<bool>> directions(const Node& node, const char* attribute, size_t count) {
  SX_ASSIGN(const std::vector<int64_t> given, numbers(node, attribute, count));
  std::vector<bool> reversed;
  for (int64_t direction : given) {
    if (direction != 0 && direction != 1) {
      return error(ErrorCode::ATTRIBUTE_INVALID, "%s has %lld, must be 0 or 1", attribute,
                   static_cast<long long>(direction));
    }
    reversed.push_back(direction == 1);
  }
  return reversed;
}

}  // namespace

Result<ScanForm> ScanForm::read(const Node& node, size_t outputs) {
  ScanForm form;
  form.batched = node.opset < 9;
  form.first = form.batched ? 1 : 0;
  const size_t operands = operand_count(node);
  SX_ASSIGN(const int64_t inputs, node.attributes.require_int("num_scan_inputs"));
  if (operands < form.first || inputs < 1 ||
      static_cast<uint64_t>(inputs) > operands - form.first) {
    return error(ErrorCode::MODEL_MALFORMED, "%lld scan inputs among %zu inputs",
                 static_cast<long long>(inputs), operands);
  }
  form.inputs = static_cast<size_t>(inputs);
  form.states = operands - form.first - form.inputs;
  if (outputs < form.states) {
    return error(ErrorCode::MODEL_MALFORMED, "%zu outputs named for %zu states", outputs,
                 form.states);
  }
  form.outputs = outputs - form.states;
  if (form.batched) {
    form.input_axes.assign(form.inputs, 0);
    form.output_axes.assign(form.outputs, 0);
    form.output_reversed.assign(form.outputs, false);
    SX_ASSIGN(form.input_reversed, directions(node, "directions", form.inputs));
    return form;
  }
  SX_ASSIGN(form.input_axes, numbers(node, "scan_input_axes", form.inputs));
  SX_ASSIGN(form.output_axes, numbers(node, "scan_output_axes", form.outputs));
  SX_ASSIGN(form.input_reversed, directions(node, "scan_input_directions", form.inputs));
  SX_ASSIGN(form.output_reversed, directions(node, "scan_output_directions", form.outputs));
  return form;
}

}  // namespace sardonyx
