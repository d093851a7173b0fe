#include "ops/recurrent_layer.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "ops/scratch.h"
#include "ops/shape_rule.h"
#include "ops/widened.h"
#include "simd/elementwise.h"
#include "simd/gemm.h"

namespace sardonyx::ops {
namespace {

using simd::BinaryKind;

// --- shapes --------------------------------------------------------------------------------------

struct RecurrentDims {
  int64_t steps = kUnknownDim, batch = kUnknownDim, input = kUnknownDim, hidden = kUnknownDim;
};

// Input i has these dims, as far as both are known.
Status check_shape(const InferContext& context, size_t i, std::initializer_list<int64_t> dims) {
  if (!context.has_input(i) || !context.inputs[i].has_shape) return {};
  const Shape& shape = context.inputs[i].shape;
  bool fits = shape.rank() == static_cast<int>(dims.size());
  int axis = 0;
  for (int64_t dim : dims) {
    fits = fits && (shape[axis] == dim || dim == kUnknownDim || shape[axis] == kUnknownDim);
    ++axis;
  }
  if (fits) return {};
  return error(ErrorCode::SHAPE_MISMATCH, "input %zu of shape %s should be %s", i,
               shape.to_string().c_str(), Shape(dims).to_string().c_str());
}

int64_t times(int64_t factor, int64_t dim) {
  return dim == kUnknownDim ? dim : factor * dim;
}

Result<RecurrentDims> dims_of(const InferContext& context, const RecurrentParams& params) {
  RecurrentDims dims;
  if (context.inputs[kX].has_shape) {
    const Shape& x = context.inputs[kX].shape;
    if (x.rank() != 3) {
      return error(ErrorCode::SHAPE_MISMATCH, "input 0 has shape %s, not three dims",
                   x.to_string().c_str());
    }
    dims = {x[params.batch_first ? 1 : 0], x[params.batch_first ? 0 : 1], x[2]};
  }
  if (context.inputs[kR].has_shape && context.inputs[kR].shape.rank() == 3) {
    dims.hidden = context.inputs[kR].shape[2];
  }
  constexpr int64_t kMostHidden = int64_t{1} << 24;
  const int64_t stated = context.attributes.get_int("hidden_size", dims.hidden);
  const bool differs = dims.hidden != kUnknownDim && stated != dims.hidden;
  if (differs || stated < kUnknownDim || stated > kMostHidden) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "'hidden_size' is %lld",
                 static_cast<long long>(stated));
  }
  dims.hidden = stated;
  return dims;
}

Status check_inputs(const InferContext& context, const RecurrentCell& cell,
                    const RecurrentParams& params, const RecurrentDims& dims) {
  const int64_t d = params.directions, h = dims.hidden;
  SX_TRY(check_shape(context, kW, {d, times(cell.gates, h), dims.input}));
  SX_TRY(check_shape(context, kR, {d, times(cell.gates, h), h}));
  SX_TRY(check_shape(context, kB, {d, times(2 * cell.gates, h)}));
  SX_TRY(check_shape(context, kSequenceLens, {dims.batch}));
  SX_TRY(check_shape(context, kPeepholes, {d, times(3, h)}));
  for (size_t i : {kInitialH, kInitialC}) {
    SX_TRY(params.batch_first ? check_shape(context, i, {dims.batch, d, h})
                              : check_shape(context, i, {d, dims.batch, h}));
  }
  return {};
}

Status check_lengths(const RunContext& context, int64_t steps) {
  if (!context.has_input(kSequenceLens)) return {};
  const TensorView& lengths = context.inputs[kSequenceLens];
  for (int64_t i = 0; i < lengths.elements(); ++i) {
    const int32_t length = lengths.as<const int32_t>()[i];
    if (length < 0 || length > steps) {
      return error(ErrorCode::VALUE_RANGE, "sequence length %d of %lld steps", length,
                   static_cast<long long>(steps));
    }
  }
  return {};
}

}  // namespace

Result<RecurrentParams> read_recurrent(const Attributes& attributes, const RecurrentCell& cell) {
  RecurrentParams params;
  const std::string_view direction = attributes.get_string("direction", "forward");
  params.first_reversed = direction == "reverse";
  if (direction == "bidirectional") {
    params.directions = 2;
  } else if (direction != "forward" && direction != "reverse") {
    return error(ErrorCode::ATTRIBUTE_INVALID, "'direction' is '%.*s'",
                 static_cast<int>(direction.size()), direction.data());
  }
  params.batch_first = attributes.get_int("layout", 0) != 0;
  params.clip = attributes.get_float("clip", 0.0f);
  if (!(params.clip >= 0.0f)) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "'clip' is %g", static_cast<double>(params.clip));
  }
  const auto count = static_cast<size_t>(cell.functions);
  std::array<GateFunction, 6> functions;
  for (size_t i = 0; i < 2 * count; ++i) functions[i] = cell.defaults[i % count];
  const size_t used = count * static_cast<size_t>(params.directions);
  SX_TRY(read_gate_functions(attributes, std::span(functions).first(used)));
  for (size_t i = 0; i < used; ++i) params.functions[i / count][i % count] = functions[i];
  return params;
}

Status infer_recurrent(InferContext& context, const RecurrentCell& cell) {
  SX_TRY(check_arity(context, 3, cell.inputs(), cell.outputs()));
  SX_TRY(check_float(context, kX));
  for (size_t i : {kW, kR, kB, kInitialH, kInitialC, kPeepholes}) {
    SX_TRY(check_same_dtype(context, kX, i));
  }
  SX_TRY(check_dtype(context, kSequenceLens, {DType::kInt32}));
  SX_ASSIGN(const RecurrentParams params, read_recurrent(context.attributes, cell));
  SX_ASSIGN(const RecurrentDims dims, dims_of(context, params));
  SX_TRY(check_inputs(context, cell, params, dims));
  const int64_t d = params.directions;
  const Shape y = params.batch_first ? Shape{dims.batch, dims.steps, d, dims.hidden}
                                     : Shape{dims.steps, d, dims.batch, dims.hidden};
  const Shape state =
      params.batch_first ? Shape{dims.batch, d, dims.hidden} : Shape{d, dims.batch, dims.hidden};
  for (size_t i = 0; i < cell.outputs(); ++i) {
    if (context.has_output(i)) context.set_output(i, context.inputs[kX].dtype, i == 0 ? y : state);
  }
  return {};
}

// --- kernel --------------------------------------------------------------------------------------

struct RecurrentKernel::Plan final : StepPlan {
  int64_t steps = 0, batch = 0, input = 0, hidden = 0;
  // Byte offsets into scratch.
  size_t gates_x = 0, gates = 0, h = 0, c = 0, temporary = 0, bias = 0, recurrent_bias = 0;
  size_t packed_w = 0, packed_r = 0, positions = 0;
};

WeightLayout RecurrentKernel::w_layout(int64_t input, int64_t hidden) const {
  return {.count = params_.directions, .k = input, .n = cell_.gates * hidden, .transposed = true};
}

WeightLayout RecurrentKernel::r_layout(int64_t hidden) const {
  const int64_t parts = separate_products() ? cell_.gates : 1;
  return {.count = params_.directions * parts,
          .k = hidden,
          .n = cell_.gates / parts * hidden,
          .transposed = true};
}

Status RecurrentKernel::prepare(const KernelInit& init) {
  const auto constant_of = [&](size_t i) {
    const ConstantPtr& constant = init.inputs[i].constant;
    return constant && constant->shape.rank() == 3 ? constant : nullptr;
  };
  if (const ConstantPtr w = constant_of(kW)) {
    const WeightLayout layout = w_layout(w->shape[2], w->shape[1] / cell_.gates);
    SX_ASSIGN(const PackedWeights packed, pack_constant(init, kW, layout));
    w_ = packed.block;
  }
  if (const ConstantPtr r = constant_of(kR)) {
    SX_ASSIGN(const PackedWeights packed, pack_constant(init, kR, r_layout(r->shape[2])));
    r_ = packed.block;
  }
  return {};
}

Status RecurrentKernel::bind(BindContext& context) const {
  auto plan = std::make_unique<Plan>();
  const Shape& x = context.inputs[kX].shape;
  plan->steps = x[params_.batch_first ? 1 : 0];
  plan->batch = x[params_.batch_first ? 0 : 1];
  plan->input = x[2];
  plan->hidden = context.inputs[kR].shape[2];
  const int64_t width = cell_.gates * plan->hidden;
  const auto states = checked_mul(plan->batch, plan->hidden);
  const auto all_gates = checked_mul(plan->batch, width);
  const auto positions = checked_mul(plan->steps, all_gates.value_or(INT64_MAX));
  ScratchLayout scratch;
  SX_ASSIGN(plan->gates_x, scratch.add_floats(positions));
  SX_ASSIGN(plan->gates, scratch.add_floats(all_gates));
  SX_ASSIGN(plan->h, scratch.add_floats(states));
  SX_ASSIGN(plan->c, scratch.add_floats(cell_.has_cell_state ? states : 0));
  SX_ASSIGN(plan->temporary, scratch.add_floats(states));
  SX_ASSIGN(plan->bias, scratch.add_floats(width));
  SX_ASSIGN(plan->recurrent_bias, scratch.add_floats(width));
  SX_ASSIGN(plan->positions, scratch.add(plan->batch, sizeof(int64_t)));
  const WeightLayout w = w_layout(plan->input, plan->hidden), r = r_layout(plan->hidden);
  SX_ASSIGN(const size_t w_bytes, packed_bytes(w));
  SX_ASSIGN(const size_t r_bytes, packed_bytes(r));
  SX_ASSIGN(plan->packed_w, scratch.add(w_ ? 0 : static_cast<int64_t>(w_bytes), 1));
  SX_ASSIGN(plan->packed_r, scratch.add(r_ ? 0 : static_cast<int64_t>(r_bytes), 1));
  context.scratch_bytes = scratch.bytes();
  context.plan = std::move(plan);
  return {};
}

Status RecurrentKernel::run(const RunContext& context) const {
  const auto& plan = *static_cast<const Plan*>(context.plan);
  SX_TRY(check_lengths(context, plan.steps));
  const auto part = [&](size_t offset) {
    return reinterpret_cast<float*>(context.scratch + offset);
  };
  const auto packed = [&](const std::shared_ptr<const Block>& pack, size_t input,
                          const WeightLayout& layout, size_t offset) -> Result<const float*> {
    if (pack) return pack->as<const float>();
    SX_TRY(pack_weights(context.inputs[input].as<const float>(), layout, part(offset)));
    return part(offset);
  };
  const WeightLayout w_shape = w_layout(plan.input, plan.hidden), r_shape = r_layout(plan.hidden);
  SX_ASSIGN(const float* w, packed(w_, kW, w_shape, plan.packed_w));
  SX_ASSIGN(const float* r, packed(r_, kR, r_shape, plan.packed_r));
  if (context.has_output(0)) {
    // Steps beyond a sequence's end stay zero.
    const size_t bytes = context.outputs[0].bytes();
    if (bytes) std::memset(context.outputs[0].data, 0, bytes);
  }
  if (plan.batch == 0 || plan.hidden == 0) return {};
  const float* peepholes =
      context.has_input(kPeepholes) ? context.inputs[kPeepholes].as<const float>() : nullptr;
  for (int d = 0; d < params_.directions; ++d) {
    RecurrentDirection direction;
    direction.index = d;
    direction.reversed = d == 1 || params_.first_reversed;
    direction.batch = plan.batch;
    direction.hidden = plan.hidden;
    direction.r = r + d * (r_shape.count / params_.directions) * r_shape.packed_size();
    direction.peepholes = peepholes ? peepholes + d * 3 * plan.hidden : nullptr;
    direction.h = part(plan.h);
    direction.c = part(plan.c);
    direction.gates = part(plan.gates);
    direction.temporary = part(plan.temporary);
    SX_TRY(run_direction(context, plan, w + d * w_shape.packed_size(), direction,
                         reinterpret_cast<float*>(context.scratch)));
  }
  return {};
}

// The sum of both biases, but for those that the cell adds itself.
const float* RecurrentKernel::input_bias(const RunContext& context, const Plan& plan,
                                         RecurrentDirection& direction, float* scratch) const {
  if (!context.has_input(kB)) return nullptr;
  const int64_t n = plan.hidden, width = cell_.gates * n;
  const float* b = context.inputs[kB].as<const float>() + direction.index * 2 * width;
  float* sum = scratch + plan.bias / sizeof(float);
  direction.recurrent_bias = b + width;
  for (int gate = 0; gate < cell_.gates; ++gate) {
    const float* own = b + gate * n;
    if (keeps_recurrent_bias(gate)) {
      std::copy_n(own, n, sum + gate * n);
    } else {
      simd::binary(BinaryKind::kAdd, {own}, {own + width}, sum + gate * n, n);
    }
  }
  return sum;
}

Status RecurrentKernel::run_direction(const RunContext& context, const Plan& plan, const float* w,
                                      RecurrentDirection& direction, float* scratch) const {
  const int64_t width = cell_.gates * plan.hidden;
  float* gates_x = scratch + plan.gates_x / sizeof(float);
  load_state(context, plan, kInitialH, direction.index, direction.h);
  if (cell_.has_cell_state) load_state(context, plan, kInitialC, direction.index, direction.c);
  simd::GemmEpilogue epilogue;
  epilogue.column_bias = input_bias(context, plan, direction, scratch);
  SX_TRY(simd::gemm({.m = plan.steps * plan.batch,
                     .n = width,
                     .k = plan.input,
                     .a_stride = plan.input,
                     .c_stride = width},
                    {context.inputs[kX].as<const float>(), w, gates_x}, epilogue));
  const auto* lengths = context.has_input(kSequenceLens)
                            ? context.inputs[kSequenceLens].as<const int32_t>()
                            : nullptr;
  auto* y = context.has_output(0) ? context.outputs[0].as<float>() : nullptr;
  RecurrentRows rows(gates_x, width);
  rows.positions = {reinterpret_cast<int64_t*>(context.scratch + plan.positions),
                    static_cast<size_t>(plan.batch)};
  for (int64_t at = 0; at < plan.steps; ++at) {
    const auto time_of = [&](int64_t row) {
      const int64_t length = lengths ? lengths[row] : plan.steps;
      return at >= length ? -1 : direction.reversed ? length - 1 - at : at;
    };
    for (int64_t row = 0; row < plan.batch; ++row) {
      const int64_t t = time_of(row);
      rows.positions[static_cast<size_t>(row)] = t < 0                 ? -1
                                                 : params_.batch_first ? row * plan.steps + t
                                                                       : t * plan.batch + row;
    }
    SX_TRY(step(direction, rows));
    for (int64_t row = 0; row < plan.batch && y; ++row) {
      const int64_t t = time_of(row);
      if (t < 0) continue;
      const int64_t y_row = params_.batch_first
                                ? (row * plan.steps + t) * params_.directions + direction.index
                                : (t * params_.directions + direction.index) * plan.batch + row;
      std::copy_n(direction.h + row * plan.hidden, plan.hidden, y + y_row * plan.hidden);
    }
  }
  store_state(context, plan, 1, direction.index, direction.h);
  if (cell_.has_cell_state) store_state(context, plan, 2, direction.index, direction.c);
  return {};
}

Status RecurrentKernel::multiply(const RecurrentDirection& direction, const float* from, int first,
                                 int count) const {
  const int64_t n = direction.hidden, width = cell_.gates * n;
  const int64_t columns = separate_products() ? n : width;
  const int64_t packed = simd::gemm_packed_size(n, columns);
  std::array<simd::GemmOffsets, 4> offsets;
  const int products = separate_products() ? count : 1;
  for (int i = 0; i < products; ++i) {
    offsets[static_cast<size_t>(i)] = {.a = 0, .b = (first + i) * packed, .c = (first + i) * n};
  }
  return simd::gemm({.m = direction.batch, .n = columns, .k = n, .a_stride = n, .c_stride = width},
                    {from, direction.r, direction.gates},
                    std::span(offsets).first(static_cast<size_t>(products)));
}

void RecurrentKernel::clip(float* from, int64_t count) const {
  if (params_.clip > 0.0f) {
    simd::unary(simd::UnaryKind::kClip, -params_.clip, params_.clip, from, from, count);
  }
}

int64_t RecurrentKernel::state_offset(const Plan& plan, int direction, int64_t row) const {
  return (params_.batch_first ? row * params_.directions + direction
                              : direction * plan.batch + row) *
         plan.hidden;
}

void RecurrentKernel::load_state(const RunContext& context, const Plan& plan, size_t input,
                                 int direction, float* state) const {
  if (!context.has_input(input)) {
    std::fill_n(state, plan.batch * plan.hidden, 0.0f);
    return;
  }
  const auto* from = context.inputs[input].as<const float>();
  for (int64_t row = 0; row < plan.batch; ++row) {
    std::copy_n(from + state_offset(plan, direction, row), plan.hidden, state + row * plan.hidden);
  }
}

void RecurrentKernel::store_state(const RunContext& context, const Plan& plan, size_t output,
                                  int direction, const float* state) const {
  if (!context.has_output(output)) return;
  auto* to = context.outputs[output].as<float>();
  for (int64_t row = 0; row < plan.batch; ++row) {
    std::copy_n(state + row * plan.hidden, plan.hidden, to + state_offset(plan, direction, row));
  }
}

}  // namespace sardonyx::ops
