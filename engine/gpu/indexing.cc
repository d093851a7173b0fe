// Pad and Gather for WebGPU: which input element each output element is.
#include <algorithm>

#include "engine/gpu/emitter.h"
#include "engine/gpu/strided_dims.h"

namespace sardonyx::gpu {
namespace {

constexpr std::string_view kPadModes[] = {"constant", "edge", "reflect", "wrap"};

// Elements added before each axis; false when that is not known.
bool read_pads(const Emitter& e, std::array<int64_t, kMaxRank>& before) {
  const int rank = e.input(0).shape.rank();
  std::vector<int64_t> pads, axes;
  if (e.opset() < 11) {
    const auto given = e.attributes().get_ints("pads");
    pads.assign(given.begin(), given.end());
  } else {
    auto known = e.known_ints(1);
    if (!known) return false;
    pads = std::move(*known);
  }
  if (e.has_input(3)) {
    auto known = e.known_ints(3);
    if (!known) return false;
    axes = std::move(*known);
  } else {
    for (int axis = 0; axis < rank; ++axis) axes.push_back(axis);
  }
  if (pads.size() != 2 * axes.size()) return false;
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto axis = normalize_axis(axes[i], rank);
    if (!axis) return false;
    before[static_cast<size_t>(*axis)] = pads[i];
  }
  return true;
}

// The word that fills what is added.
std::optional<uint32_t> pad_value(const Emitter& e) {
  if (e.opset() < 11) return bits(e.attributes().get_float("value", 0));
  if (!e.has_input(2)) return 0;
  const TensorView* value = e.known(2);
  return value ? std::optional(*value->as<uint32_t>()) : std::nullopt;
}

}  // namespace

// Variant: the mode, from bit 8 on the rank.
bool lower_pad(Emitter& e) {
  const Shape& x = e.input(0).shape;
  const Shape& y = e.output(0).shape;
  const auto rank = static_cast<size_t>(x.rank());
  const auto value = pad_value(e);
  std::array<int64_t, kMaxRank> before{};
  if (dtype_bits(e.input(0).dtype) != 32 || rank > kMaxStridedDims || !value) return false;
  if (!read_pads(e, before)) return false;
  const auto* const mode = std::find(std::begin(kPadModes), std::end(kPadModes),
                                     e.attributes().get_string("mode", "constant"));
  if (mode == std::end(kPadModes)) return false;
  GpuStep& step = e.add(GpuKernel::kPad, e.output(0).elements(),
                        static_cast<uint32_t>(mode - kPadModes) | static_cast<uint32_t>(rank) << 8);
  e.operand(step, 0, 0);
  step.params[5] = *value;
  for (size_t i = 0; i < rank; ++i) {
    const size_t axis = rank - 1 - i;
    step.params[6 + 3 * i] = word(y[static_cast<int>(axis)]);
    step.params[7 + 3 * i] = word(x[static_cast<int>(axis)]);
    step.params[8 + 3 * i] = word(before[axis]);
  }
  return true;
}

// With indices that come with the run, the CPU looks whether they are in range.
bool lower_gather(Emitter& e) {
  const TensorView& x = e.input(0);
  const int width = dtype_bits(x.dtype);
  const auto axis = normalize_axis(e.attributes().get_int("axis", 0), x.shape.rank());
  const TensorView* indices = e.known(1);
  if (!axis || !indices || width % 32 != 0) return false;
  const int64_t dim = x.shape[*axis];
  std::vector<uint32_t> table;
  for (int64_t i = 0; i < indices->elements(); ++i) {
    const int64_t index =
        indices->dtype == DType::kInt32 ? indices->as<int32_t>()[i] : indices->as<int64_t>()[i];
    if (index < -dim || index >= dim) return false;
    table.push_back(word(index < 0 ? index + dim : index));
  }
  const int64_t words = width / 32;
  GpuStep& step = e.add(GpuKernel::kGather, e.output(0).elements() * words, 0);
  e.operand(step, 0, 0);
  e.table_operand(step, 1, table);
  step.params[5] = word(dim);
  step.params[6] = word(static_cast<int64_t>(table.size()));
  step.params[7] = word(x.shape.product(*axis + 1, x.shape.rank()) * words);
  return true;
}

}  // namespace sardonyx::gpu
