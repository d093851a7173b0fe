#include "engine/passes/evaluate_node.h"

#include "engine/pack_cache.h"
#include "engine/passes/pattern.h"

namespace sardonyx {
namespace {

// The output of an alias operator: the same payload under another shape.
ConstantPtr reshaped(const Constant& constant, const Shape& shape) {
  auto result = std::make_shared<Constant>(constant);
  result->shape = shape;
  return result;
}

Status run_kernel(const Kernel& kernel, std::span<const TensorView> inputs,
                  std::span<const TensorView> outputs) {
  BindContext bind{inputs, outputs, 0, nullptr};
  SX_TRY(kernel.bind(bind));
  SX_ASSIGN(const Block scratch, Block::allocate(bind.scratch_bytes));
  return kernel.run({inputs, outputs, scratch.data(), bind.plan.get()});
}

}  // namespace

Result<std::vector<ConstantPtr>> evaluate_node(const Graph& graph, const Node& node,
                                               const NodeFacts& facts) {
  const size_t count = node.inputs.size();
  std::vector<ConstantPtr> constants(count);
  std::vector<KernelInput> kernel_inputs(count);
  std::vector<TensorView> inputs(count);
  for (size_t i = 0; i < count; ++i) {
    constants[i] = fixed_constant(graph, node.inputs[i]);
    const ValueFacts& fact = facts.inputs[i];
    kernel_inputs[i] = {fact.dtype, Layout::kRowMajor, fact.has_shape, fact.shape, constants[i]};
    inputs[i] = constants[i] ? constants[i]->view()
                             : TensorView{fact.dtype, Layout::kRowMajor, fact.shape, nullptr};
  }
  std::vector<ConstantPtr> results;
  if (node.op->flags & kAlias) {
    results.push_back(reshaped(*constants[0], facts.outputs[0].shape));
    return results;
  }
  std::vector<TensorView> outputs;
  for (const ValueFacts& fact : facts.outputs) {
    SX_ASSIGN(const std::shared_ptr<Constant> constant, make_constant(fact.dtype, fact.shape));
    outputs.push_back(constant->view());
    results.push_back(constant);
  }
  const std::vector<Layout> layouts(outputs.size(), Layout::kRowMajor);
  SharedPacks packs;
  SX_ASSIGN(const KernelPtr kernel, node.op->make({node.attributes, node.opset, kernel_inputs,
                                                   layouts, packs, [](size_t) {}}));
  SX_TRY(run_kernel(*kernel, inputs, outputs));
  return results;
}

}  // namespace sardonyx
