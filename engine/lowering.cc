#include "engine/lowering.h"

#include <algorithm>
#include <array>

#include "engine/functions/resolve.h"
#include "engine/graph_edit.h"
#include "engine/half_weights.h"
#include "engine/winograd_budget.h"

namespace sardonyx {
namespace {

constexpr int64_t kMaxRoughSize = int64_t{1} << 40;

constexpr uint8_t index_of(Layout layout) {
  return static_cast<uint8_t>(layout);
}

class Lowerer {
 public:
  Lowerer(Graph& graph, bool for_gpu, std::shared_ptr<SharedPacks> packs)
      : graph_(graph), for_gpu_(for_gpu), out_(std::make_unique<Lowering>()) {
    out_->packs = std::move(packs);
  }

  Result<std::unique_ptr<Lowering>> run() {
    SX_TRY(widen_half_weights(graph_, for_gpu_));
    by_layout_.assign(graph_.values.size(), {kNoSlot, kNoSlot});
    count_uses();
    find_wanted_nc4hw4();
    make_conversion_nodes();
    for (ValueId id : graph_.inputs) out_->inputs.push_back(define(id, Layout::kRowMajor));
    for (const Node& node : graph_.nodes) {
      Status status = lower(node);
      if (!status.ok()) return std::move(status).at_node(node.name, node.type);
    }
    for (ValueId id : graph_.outputs) {
      SX_ASSIGN(const SlotId slot, slot_in(id, Layout::kRowMajor));
      out_->outputs.push_back(slot);
    }
    set_last_uses();
    return std::move(out_);
  }

 private:
  void count_uses() {
    uses_.assign(graph_.values.size(), 0);
    for (const Node& node : graph_.nodes) {
      for (ValueId input : node.inputs) {
        if (input != kNoValue) ++uses_[input];
      }
    }
    for (ValueId output : graph_.outputs) ++uses_[output];
  }

  // Which values reach, through elementwise operators only, one that can compute in NC4HW4.
  void find_wanted_nc4hw4() {
    wanted_nc4hw4_.assign(graph_.values.size(), false);
    for (size_t n = graph_.nodes.size(); n-- > 0;) {
      const Node& node = graph_.nodes[n];
      const bool any = node.op->layout == LayoutPolicy::kAny && !node.outputs.empty() &&
                       node.outputs[0] != kNoValue && wanted_nc4hw4_[node.outputs[0]];
      if (!any && node.op->layout != LayoutPolicy::kChannelAware) continue;
      for (ValueId input : node.inputs) {
        if (input != kNoValue) wanted_nc4hw4_[input] = true;
      }
    }
  }

  void make_conversion_nodes() {
    for (Layout to : {Layout::kRowMajor, Layout::kNC4HW4}) {
      Node& node = out_->conversions[index_of(to)];
      node.domain = "sardonyx";
      node.type = "ConvertLayout";
      node.attributes.set("to", int64_t{index_of(to)});
      node.opset = 1;
    }
  }

  SlotId define(ValueId id, Layout layout) {
    const Value& value = graph_.values[id];
    const ConstantPtr constant = value.optional_input ? nullptr : value.constant;
    out_->slots.push_back({id, value.dtype, layout, constant, kNeverUsed, value.kind});
    const auto slot = static_cast<SlotId>(out_->slots.size() - 1);
    by_layout_[id][index_of(layout)] = slot;
    return slot;
  }

  KernelInput describe(SlotId slot) const {
    if (slot == kNoSlot) return {};
    const Slot& info = out_->slots[slot];
    const Value& value = graph_.values[info.value];
    const ValueFacts facts = value.facts();
    return {info.dtype, info.layout, facts.has_shape, facts.shape, info.constant, facts.kind};
  }

  // The slot in which the value was defined, whatever its layout.
  SlotId native_slot(ValueId id) {
    if (id == kNoValue) return kNoSlot;
    for (SlotId slot : by_layout_[id]) {
      if (slot != kNoSlot && (slot == first_slot(id))) return slot;
    }
    return define(id, Layout::kRowMajor);  // a constant seen for the first time
  }

  SlotId first_slot(ValueId id) const {
    return std::min(by_layout_[id][0], by_layout_[id][1]);  // kNoSlot is the largest number
  }

  // The slot with the value in `layout`, converted by a step of its own where there is none yet.
  Result<SlotId> slot_in(ValueId id, Layout layout) {
    if (id == kNoValue) return kNoSlot;
    const SlotId native = native_slot(id);
    if (by_layout_[id][index_of(layout)] != kNoSlot) return by_layout_[id][index_of(layout)];
    const KernelInput input = describe(native);
    const SlotId slot = define(id, layout);
    Node& node = out_->conversions[index_of(layout)];
    SX_TRY(resolve_operator(graph_, node));
    const Layout layouts[] = {layout};
    const KernelInit init{node.attributes, 1, {&input, 1}, layouts, *out_->packs, [](size_t) {}};
    SX_ASSIGN(KernelPtr kernel, node.op->make(init));
    out_->steps.push_back({&node, std::move(kernel), {native}, {slot}, {}});
    return slot;
  }

  // Decides the layout of output 0 and of the inputs that may follow it.
  bool choose_nc4hw4(const Node& node) {
    if (for_gpu_) return false;
    const Value* first = node.inputs.empty() || node.inputs[0] == kNoValue
                             ? nullptr
                             : &graph_.values[node.inputs[0]];
    if (!first || node.outputs.empty() || node.outputs[0] == kNoValue) return false;
    if (node.op->layout == LayoutPolicy::kAny) return all_operands_nc4hw4(node);
    if (node.op->layout != LayoutPolicy::kChannelAware || !node.op->takes_nc4hw4) return false;
    std::vector<KernelInput> inputs;
    for (ValueId input : node.inputs) inputs.push_back(describe(native_slot(input)));
    const std::vector<Layout> outputs(node.outputs.size(), Layout::kRowMajor);
    return node.op->takes_nc4hw4(
        {node.attributes, node.opset, inputs, outputs, *out_->packs, [](size_t) {}});
  }

  // Elementwise operators stay in NC4HW4 when the larger part of their operands is there and none
  // has to be read in another way. Where it is the half, what comes after them decides.
  bool all_operands_nc4hw4(const Node& node) {
    int64_t here = 0, elsewhere = 0;
    for (ValueId input : node.inputs) {
      if (input == kNoValue || is_any_layout(node, input)) continue;
      const bool blocked = out_->slots[native_slot(input)].layout == Layout::kNC4HW4;
      if (!has_output_channels(node, input, blocked)) return false;
      (blocked ? here : elsewhere) += rough_size(graph_.values[input].shape);
    }
    return here > elsewhere || (here > 0 && here == elsewhere && wanted_nc4hw4_[node.outputs[0]]);
  }

  // One element, or a constant of float32 with one per channel, which has them side by side in both
  // layouts.
  bool is_any_layout(const Node& node, ValueId id) const {
    const Value& value = graph_.values[id];
    if (!value.has_shape || !value.shape.is_known()) return false;
    const int64_t count = value.shape.elements().value_or(0);
    if (count == 1) return true;
    const int channel_axis = value.shape.rank() - (output_shape(node).rank() - 1);
    return value.constant && !value.optional_input && is_float_map(node) && channel_axis >= 0 &&
           value.shape[channel_axis] == count && output_shape(node)[1] == count;
  }

  bool has_output_channels(const Node& node, ValueId id, bool blocked) const {
    const Value& value = graph_.values[id];
    const Shape& out = output_shape(node);
    if (count_operands(node) == 1) return blocked;
    if (is_float_map(node)) {
      return value.has_shape && value.shape.rank() == out.rank() && value.shape[1] == out[1];
    }
    return blocked && value.has_shape && value.shape.is_known() && value.shape == out;
  }

  // Whether everything is float32 and the output of rank 4 with a known number of channels: then
  // operands may broadcast over all other axes.
  bool is_float_map(const Node& node) const {
    const Value& out = graph_.values[node.outputs[0]];
    if (out.dtype != DType::kFloat32 || out.shape.rank() != 4 || out.shape[1] < 1) return false;
    return std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId id) {
      return id == kNoValue || graph_.values[id].dtype == DType::kFloat32;
    });
  }

  const Shape& output_shape(const Node& node) const { return graph_.values[node.outputs[0]].shape; }

  // For comparisons: unknown dims count as 64.
  static int64_t rough_size(const Shape& shape) {
    int64_t size = 1;
    for (int64_t dim : shape) {
      size = std::min(size, kMaxRoughSize) * std::clamp<int64_t>(dim < 0 ? 64 : dim, 1, 1 << 20);
    }
    return size;
  }

  // FusedConv's Z has its output's shape and comes in the output's layout.
  static bool is_addend(const Node& node, size_t i) {
    return i == 3 && node.op->name == "FusedConv";
  }

  static size_t count_operands(const Node& node) {
    return static_cast<size_t>(std::count_if(node.inputs.begin(), node.inputs.end(),
                                             [](ValueId id) { return id != kNoValue; }));
  }

  // Whether input `i` of a node that computes in NC4HW4 should be converted to it. A first layer's
  // few channels are read as they come.
  bool convert_input(const Node& node, size_t i) const {
    const Value& value = graph_.values[node.inputs[i]];
    if (node.op->layout == LayoutPolicy::kAny) return !is_any_layout(node, node.inputs[i]);
    if ((node.op->flags & kVariadicLayout) || is_addend(node, i)) return true;
    return i == 0 && !(value.has_shape && value.shape.rank() > 1 && value.shape[1] >= 0 &&
                       value.shape[1] <= 4);
  }

  Status lower(const Node& node) {
    const bool nc4hw4 = choose_nc4hw4(node);
    Step step;
    step.node = &node;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      SlotId slot = native_slot(node.inputs[i]);
      if (slot != kNoSlot) {
        const bool channel_input =
            nc4hw4 && (i == 0 || node.op->layout == LayoutPolicy::kAny ||
                       (node.op->flags & kVariadicLayout) || is_addend(node, i));
        if (!channel_input) {
          SX_ASSIGN(slot, slot_in(node.inputs[i], Layout::kRowMajor));
        } else if (convert_input(node, i)) {
          SX_ASSIGN(slot, slot_in(node.inputs[i], Layout::kNC4HW4));
        }
      }
      step.inputs.push_back(slot);
    }
    std::vector<KernelInput> inputs;
    for (SlotId slot : step.inputs) inputs.push_back(describe(slot));
    std::vector<Layout> layouts(node.outputs.size(), Layout::kRowMajor);
    if (nc4hw4) layouts[0] = Layout::kNC4HW4;
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      step.outputs.push_back(node.outputs[i] == kNoValue ? kNoSlot
                                                         : define(node.outputs[i], layouts[i]));
    }
    std::vector<bool> consumed(node.inputs.size(), false);
    const KernelInit init{node.attributes, node.opset,   inputs,
                          layouts,         *out_->packs, [&](size_t i) { consumed[i] = true; }};
    SX_ASSIGN(step.kernel, node.op->make(init));
    SX_TRY(lower_bodies(step));
    inputs.clear();
    for (size_t i = 0; i < consumed.size(); ++i) {
      if (consumed[i] && !for_gpu_) release(node.inputs[i]);
    }
    out_->steps.push_back(std::move(step));
    return {};
  }

  Status lower_bodies(Step& step) {
    if (!(step.node->op->flags & kControlFlow)) return {};
    for (const Body& body : bodies_of(*step.node)) {
      StepBody lowered{body, nullptr, resolve_graph(*body.graph)};
      if (lowered.failure.ok()) {
        auto lowering = Lowerer(*body.graph, for_gpu_, out_->packs).run();
        if (lowering.ok()) lowered.lowering = lowering.take();
        lowered.failure = lowering.take_status();
      }
      if (!lowered.failure.ok() && step.node->type != "If") {
        return std::move(lowered.failure).in_body(describe_body(*step.node, body.attribute));
      }
      step.bodies.push_back(std::move(lowered));
    }
    return {};
  }

  // One reader of the constant has its own copy; after the last one the payload is freed.
  void release(ValueId id) {
    Value& value = graph_.values[id];
    if (!value.constant || --uses_[id] > 0) return;
    auto stub = std::make_shared<Constant>();
    stub->dtype = value.constant->dtype;
    stub->shape = value.constant->shape;
    value.constant = stub;
    for (SlotId slot : by_layout_[id]) {
      if (slot != kNoSlot) out_->slots[slot].constant = stub;
    }
  }

  void set_last_uses() {
    for (uint32_t i = 0; i < out_->steps.size(); ++i) {
      for (SlotId slot : out_->steps[i].inputs) {
        if (slot != kNoSlot) out_->slots[slot].last_use = i + 1;
      }
    }
    for (SlotId slot : out_->outputs) out_->slots[slot].last_use = kUsedAtEnd;
  }

  Graph& graph_;
  const bool for_gpu_;
  std::unique_ptr<Lowering> out_;
  std::vector<std::array<SlotId, 2>> by_layout_;
  std::vector<uint32_t> uses_;
  std::vector<bool> wanted_nc4hw4_;
};

}  // namespace

const StepBody& Step::body(std::string_view attribute) const {
  return *std::find_if(bodies.begin(), bodies.end(),
                       [&](const StepBody& b) { return b.body.attribute == attribute; });
}

Result<std::unique_ptr<Lowering>> lower_to_cpu(Graph& graph) {
  choose_winograd(graph);
  return Lowerer(graph, false, std::make_shared<SharedPacks>()).run();
}

Result<std::unique_ptr<Lowering>> lower_for_gpu(Graph& graph) {
  return Lowerer(graph, true, std::make_shared<SharedPacks>()).run();
}

}  // namespace sardonyx
