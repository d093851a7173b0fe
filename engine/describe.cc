#include "engine/describe.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/json_writer.h"

namespace sardonyx {
namespace {

void write_shape(JsonWriter& json, const Value& value) {
  json.begin_array();
  for (int axis = 0; axis < value.shape.rank(); ++axis) {
    const auto i = static_cast<size_t>(axis);
    if (value.shape[axis] >= 0) {
      json.number(value.shape[axis]);
    } else if (i < value.dim_symbols.size() && !value.dim_symbols[i].empty()) {
      json.string(value.dim_symbols[i]);
    } else {
      json.null();
    }
  }
  json.end_array();
}

void write_value(JsonWriter& json, const Value& value) {
  json.begin_object().key("name").string(value.name);
  json.key("kind").number(static_cast<int64_t>(value.kind));
  json.key("dtype").string(dtype_name(value.dtype));
  json.key("shape");
  if (value.has_shape) {
    write_shape(json, value);
  } else {
    json.null();
  }
  json.key("optional").boolean(value.optional_input).end_object();
}

void write_values(JsonWriter& json, const Graph& graph, const std::vector<ValueId>& ids) {
  json.begin_array();
  for (ValueId id : ids) write_value(json, graph.values[id]);
  json.end_array();
}

void write_counts(JsonWriter& json, const std::map<std::string, int>& counts) {
  json.begin_object();
  for (const auto& [name, count] : counts) json.key(name).number(count);
  json.end_object();
}

std::string_view layout_name(Layout layout) {
  return layout == Layout::kNC4HW4 ? "NC4HW4" : "row-major";
}

std::string_view kernel_name(const Step& step, GpuKernel gpu) {
  if (gpu != GpuKernel::kCpu) return gpu_kernel_name(gpu);
  return step.kernel ? step.kernel->name() : "bodies";
}

void write_step(JsonWriter& json, const Session& session, const Step& step, const TensorView* bound,
                GpuKernel gpu) {
  const bool on_cpu = gpu == GpuKernel::kCpu;
  json.begin_object().key("node").string(step.node->name);
  json.key("operator").string(step.node->type).key("device").string(on_cpu ? "cpu" : "webgpu");
  json.key("kernel").string(kernel_name(step, gpu));
  json.key("outputs").begin_array();
  for (size_t i = 0; i < step.outputs.size(); ++i) {
    if (step.outputs[i] == kNoSlot) continue;
    const Slot& slot = session.lowering().slots[step.outputs[i]];
    Value value = session.graph().values[slot.value];
    if (bound) value.shape = bound[i].shape;
    json.begin_object().key("name").string(value.name);
    json.key("dtype").string(dtype_name(slot.dtype));
    json.key("layout").string(layout_name(slot.layout)).key("shape");
    write_shape(json, value);
    json.end_object();
  }
  json.end_array().end_object();
}

int64_t nanoseconds(double ms) {
  return std::llround(ms * 1e6);
}

void write_profiled(JsonWriter& json, const StepProfile& profile) {
  constexpr double kMostFlops = 1e18;
  const Step& step = *profile.step;
  json.begin_object().key("node").string(step.node->name);
  json.key("operator").string(step.node->type);
  json.key("kernel").string(kernel_name(step, GpuKernel::kCpu));
  json.key("depth").number(profile.depth).key("body").string(profile.place);
  json.key("calls").number(profile.time.calls);
  json.key("ns").number(nanoseconds(profile.time.ms + profile.nested_ms));
  json.key("flops").number(static_cast<int64_t>(std::min(profile.cost.flops, kMostFlops)));
  json.key("bytes").number(profile.cost.bytes).key("outputs").begin_array();
  for (size_t i = 0; i < step.outputs.size(); ++i) {
    const TensorView& view = profile.outputs[i];
    if (step.outputs[i] == kNoSlot) continue;
    json.begin_object().key("dtype").string(dtype_name(view.dtype));
    json.key("layout").string(layout_name(view.layout)).key("shape").begin_array();
    for (const int64_t dim : view.shape) json.number(dim);
    json.end_array().end_object();
  }
  json.end_array().end_object();
}

// "halfBytes" of the weights are float16, "keptBytes" stay in this process's memory too.
void write_gpu(JsonWriter& json, const Session& session, const GpuPlan& plan) {
  const GpuWeights& weights = *session.gpu_weights();
  int64_t half = 0;
  for (const GpuCopy& copy : weights.halves) half += copy.bytes / 2;
  json.key("gpu").begin_object();
  json.key("weightBytes").number(static_cast<int64_t>(weights.bytes));
  json.key("halfBytes").number(half);
  json.key("arenaBytes").number(static_cast<int64_t>(plan.arena_bytes));
  json.key("keptBytes").number(static_cast<int64_t>(session.weight_bytes()));
  json.end_object();
}

}  // namespace

std::string describe_session(const Session& session) {
  const Graph& graph = session.graph();
  JsonWriter json;
  json.begin_object();
  json.key("inputs");
  write_values(json, graph, graph.inputs);
  json.key("outputs");
  write_values(json, graph, graph.outputs);
  json.key("warnings").begin_array();
  for (const Warning& warning : graph.warnings) json.string(warning.message);
  json.end_array();
  json.key("irVersion").number(graph.ir_version).key("producer").string(graph.producer);
  json.key("opsets");
  write_counts(json, {graph.opsets.begin(), graph.opsets.end()});
  json.key("operators");
  write_counts(json, session.operator_counts());
  json.key("weightBytes").number(static_cast<int64_t>(session.weight_bytes()));
  json.key("packedBytes").number(static_cast<int64_t>(session.lowering().packs->bytes()));
  return json.end_object().take();
}

std::string describe_profile(const Run& run) {
  const RunProfile profile = run.profile();
  JsonWriter json;
  json.begin_object().key("runs").number(profile.runs);
  json.key("ns").number(nanoseconds(profile.ms)).key("steps").begin_array();
  for (const StepProfile& step : profile.steps) write_profiled(json, step);
  return json.end_array().end_object().take();
}

std::string explain_session(const Session& session, const Run* run) {
  JsonWriter json;
  json.begin_object().key("steps").begin_array();
  std::vector<const TensorView*> bound(session.lowering().steps.size(), nullptr);
  std::vector<bool> runs(session.lowering().steps.size(), !run);
  std::vector<GpuKernel> gpu(bound.size(), GpuKernel::kCpu);
  if (run) {
    for (const Segment* segment : run->segments()) {
      for (const BoundStep& step : segment->steps) {
        runs[step.step] = true;
        bound[step.step] = segment->views.data() + step.first_view + step.inputs;
      }
    }
  }
  if (run && run->plan_used()) {
    for (const GpuStep& step : run->plan_used()->steps) {
      gpu[run->segments()[0]->steps[step.step].step] = step.kernel;
    }
  }
  for (size_t i = 0; i < bound.size(); ++i) {
    if (runs[i]) write_step(json, session, session.lowering().steps[i], bound[i], gpu[i]);
  }
  json.end_array();
  json.key("arenaBytes").number(run ? static_cast<int64_t>(run->arena_bytes()) : 0);
  if (run && run->plan_used()) write_gpu(json, session, *run->plan_used());
  return json.end_object().take();
}

}  // namespace sardonyx
