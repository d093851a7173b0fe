// Resize and Upsample for WebGPU: where each output position reads, and with what weight, is a
// table for each of two axes.
#include "engine/gpu/emitter.h"
#include "ops/resize_request.h"

namespace sardonyx::gpu {
namespace {

constexpr size_t kMaxAxes = 2;

struct Axis {
  int axis = 0;
  int64_t in = 1, out = 1, taps = 1;
  std::vector<uint32_t> table;  // per output position and tap: index, weight
};

ops::ResizeParameter parameter(const Emitter& e, size_t input) {
  if (input == 0 || !e.has_input(input) || e.input(input).elements() == 0) return {};
  return {true, e.known(input)};
}

Axis unchanged() {
  return {0, 1, 1, 1, {0, bits(1.0f)}};
}

// The axes that change; nullopt when they are too many, or some positions show no part of the
// input.
std::optional<std::vector<Axis>> changed_axes(const Emitter& e) {
  const bool upsample = e.type() == "Upsample";
  const ops::ResizeArity arity = ops::resize_arity(upsample, e.opset());
  const auto options = ops::parse_resize(e.attributes(), arity.simple);
  if (!options.ok()) return std::nullopt;
  const ops::ResizeParameters parameters{parameter(e, arity.roi), parameter(e, arity.scales),
                                         parameter(e, arity.sizes)};
  const Shape& x = e.input(0).shape;
  const auto request =
      ops::read_resize_request(e.attributes(), options.value(), parameters, x.rank());
  if (!request.ok() || !request.value()) return std::nullopt;
  std::vector<Axis> axes;
  for (int axis = 0; axis < x.rank(); ++axis) {
    if (!(request.value()->axes >> axis & 1)) continue;
    const auto resized = ops::resize_axis(options.value(), *request.value(), x, axis);
    if (!resized.ok() || resized.value().out != e.output(0).shape[axis]) return std::nullopt;
    const auto table = ops::ResizeTable::make(options.value(), resized.value());
    if (!table.ok() || table.value().view().outside) return std::nullopt;
    if (table.value().is_identity()) continue;
    const simd::Resampling& view = table.value().view();
    Axis& made = axes.emplace_back(Axis{axis, view.in, view.out, view.taps, {}});
    for (int64_t i = 0; i < view.out * view.taps; ++i) {
      made.table.push_back(word(view.indices[i]));
      made.table.push_back(bits(view.weights ? view.weights[i] : 1.0f));
    }
  }
  if (axes.size() > kMaxAxes) return std::nullopt;
  return axes;
}

}  // namespace

// Variant: 1 where one tap of weight 1 is copied, 0 where taps are added up.
bool lower_resize(Emitter& e) {
  const TensorView& x = e.input(0);
  if (x.elements() == 0 || dtype_bits(x.dtype) != 32) return false;
  auto axes = changed_axes(e);
  if (!axes) return false;
  const size_t changed = axes->size();
  axes->insert(axes->begin(), kMaxAxes - changed, unchanged());
  const Axis &a = (*axes)[0], &b = (*axes)[1];
  const bool copies = e.attributes().get_string("mode", "nearest") == "nearest";
  if (!copies && x.dtype != DType::kFloat32) return false;
  // The output is [outer, a, middle, b, inner].
  int64_t middle = x.elements(), inner = 1;
  if (changed > 0) {
    middle = x.shape.product(changed == 2 ? a.axis + 1 : 0, b.axis);
    inner = x.shape.product(b.axis + 1, x.shape.rank());
  }
  GpuStep& step = e.add(GpuKernel::kResize, e.output(0).elements(), copies ? 1 : 0);
  e.operand(step, 0, 0);
  e.table_operand(step, 1, a.table);
  e.table_operand(step, 2, b.table);
  const int64_t rest[] = {a.in, b.in, a.out, b.out, a.taps, b.taps, middle, inner};
  for (size_t i = 0; i < std::size(rest); ++i) step.params[5 + i] = word(rest[i]);
  return true;
}

}  // namespace sardonyx::gpu
