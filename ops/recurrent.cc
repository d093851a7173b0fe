// LSTM: the input's part of all gates as one product over all steps, then a product per step.
#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <optional>
#include <tuple>

#include "ops/gemm_weights.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "simd/elementwise.h"
#include "simd/gemm.h"

namespace sardonyx::ops {
namespace {

using simd::BinaryKind;
using simd::UnaryKind;

// Inputs, by their ONNX position.
enum LstmInput : size_t { kX, kW, kR, kB, kSequenceLens, kInitialH, kInitialC, kP, kLstmInputs };
// Order of the gates in W, R and B.
enum Gate : int { kInputGate, kOutputGate, kForgetGate, kCellGate, kGates };

// --- attributes ----------------------------------------------------------------------------------

// An activation of a gate or of the cell.
struct GateFunction {
  enum class Kind : uint8_t { kUnary, kAffine, kScaledTanh };
  Kind kind = Kind::kUnary;
  UnaryKind unary = UnaryKind::kSigmoid;
  float a = 0.0f, b = 0.0f;

  void apply(float* x, int64_t count) const { apply(x, x, count); }
  void apply(const float* x, float* y, int64_t count) const {
    switch (kind) {
      case Kind::kUnary:
        return simd::unary(unary, a, b, x, y, count);
      case Kind::kAffine:
        return simd::scale_offset(x, a, b, y, count);
      case Kind::kScaledTanh:
        simd::scale_offset(x, b, 0.0f, y, count);
        simd::unary(UnaryKind::kTanh, 0.0f, 0.0f, y, y, count);
        return simd::scale_offset(y, a, 0.0f, y, count);
    }
  }
};

struct NamedFunction {
  std::string_view name;
  int parameters;  // how many of activation_alpha and activation_beta it takes
  GateFunction with_defaults;
};
using Kind = GateFunction::Kind;
constexpr std::array<NamedFunction, 9> kFunctions{{
    {"sigmoid", 0, {Kind::kUnary, UnaryKind::kSigmoid}},
    {"tanh", 0, {Kind::kUnary, UnaryKind::kTanh}},
    {"relu", 0, {Kind::kUnary, UnaryKind::kRelu}},
    {"softplus", 0, {Kind::kUnary, UnaryKind::kSoftplus}},
    {"leakyrelu", 1, {Kind::kUnary, UnaryKind::kLeakyRelu, 0.01f}},
    {"elu", 1, {Kind::kUnary, UnaryKind::kElu, 1.0f}},
    {"hardsigmoid", 2, {Kind::kUnary, UnaryKind::kHardSigmoid, 0.2f, 0.5f}},
    {"affine", 2, {Kind::kAffine, UnaryKind::kSigmoid, 1.0f, 0.0f}},
    {"scaledtanh", 2, {Kind::kScaledTanh, UnaryKind::kTanh, 1.0f, 1.0f}},
}};

bool same_ignoring_case(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == b;
  });
}

Result<const NamedFunction*> find_function(std::string_view name) {
  for (const NamedFunction& function : kFunctions) {
    if (same_ignoring_case(name, function.name)) return &function;
  }
  return error(ErrorCode::MODEL_UNSUPPORTED, "activation '%.*s' of a recurrent layer",
               static_cast<int>(name.size()), name.data());
}

// Of one direction: gates, cell candidate, cell output.
using Functions = std::array<GateFunction, 3>;
constexpr Functions kDefaultFunctions{GateFunction{Kind::kUnary, UnaryKind::kSigmoid},
                                      GateFunction{Kind::kUnary, UnaryKind::kTanh},
                                      GateFunction{Kind::kUnary, UnaryKind::kTanh}};

struct LstmParams {
  int directions = 1;
  bool first_reversed = false;
  bool batch_first = false;  // layout = 1
  bool couple_gates = false;
  float clip = 0.0f;  // 0: none
  std::array<Functions, 2> functions{kDefaultFunctions, kDefaultFunctions};
};

// Parameters are handed out in the order of the functions that take them.
Status read_functions(const Attributes& attributes, LstmParams& params) {
  const Attribute::Value* value = attributes.find("activations");
  const auto* names = value ? std::get_if<std::vector<std::string>>(value) : nullptr;
  if (!names || names->empty()) return {};
  const auto wanted = static_cast<size_t>(3 * params.directions);
  if (names->size() != wanted) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "'activations' has %zu names, not %zu",
                 names->size(), wanted);
  }
  auto alphas = attributes.get_floats("activation_alpha");
  auto betas = attributes.get_floats("activation_beta");
  const auto take = [](std::span<const float>& values, float& into) {
    if (values.empty()) return;
    into = values.front();
    values = values.subspan(1);
  };
  for (size_t i = 0; i < wanted; ++i) {
    SX_ASSIGN(const NamedFunction* named, find_function((*names)[i]));
    GateFunction function = named->with_defaults;
    if (named->parameters > 0) take(alphas, function.a);
    if (named->parameters > 1) take(betas, function.b);
    params.functions[i / 3][i % 3] = function;
  }
  return {};
}

Result<LstmParams> read_params(const Attributes& attributes) {
  LstmParams params;
  const std::string_view direction = attributes.get_string("direction", "forward");
  params.first_reversed = direction == "reverse";
  if (direction == "bidirectional") {
    params.directions = 2;
  } else if (direction != "forward" && direction != "reverse") {
    return error(ErrorCode::ATTRIBUTE_INVALID, "'direction' is '%.*s'",
                 static_cast<int>(direction.size()), direction.data());
  }
  params.batch_first = attributes.get_int("layout", 0) != 0;
  params.couple_gates = attributes.get_int("input_forget", 0) != 0;
  params.clip = attributes.get_float("clip", 0.0f);
  if (!(params.clip >= 0.0f)) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "'clip' is %g", static_cast<double>(params.clip));
  }
  SX_TRY(read_functions(attributes, params));
  return params;
}

// --- shapes --------------------------------------------------------------------------------------

struct LstmDims {
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

Result<LstmDims> dims_of(const InferContext& context, const LstmParams& params) {
  LstmDims dims;
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

Status check_inputs(const InferContext& context, const LstmParams& params, const LstmDims& dims) {
  const int64_t d = params.directions, h = dims.hidden;
  SX_TRY(check_shape(context, kW, {d, times(4, h), dims.input}));
  SX_TRY(check_shape(context, kR, {d, times(4, h), h}));
  SX_TRY(check_shape(context, kB, {d, times(8, h)}));
  SX_TRY(check_shape(context, kSequenceLens, {dims.batch}));
  SX_TRY(check_shape(context, kP, {d, times(3, h)}));
  for (size_t i : {kInitialH, kInitialC}) {
    SX_TRY(params.batch_first ? check_shape(context, i, {dims.batch, d, h})
                              : check_shape(context, i, {d, dims.batch, h}));
  }
  return {};
}

// --- kernel --------------------------------------------------------------------------------------

struct LstmPlan final : StepPlan {
  int64_t steps = 0, batch = 0, input = 0, hidden = 0;
  // Floats into scratch.
  int64_t gates_x = 0, gates = 0, h = 0, c = 0, temporary = 0, bias = 0, packed_w = 0, packed_r = 0;
};

// One direction of one run.
struct Direction {
  int index;
  bool reversed;
  const float* w;  // packed
  const float* r;
  const float* peepholes;  // [3, hidden] in the order i, o, f; or null
};

class LstmKernel final : public Kernel {
 public:
  LstmKernel(const LstmParams& params, std::shared_ptr<const Block> w,
             std::shared_ptr<const Block> r)
      : params_(params), w_(std::move(w)), r_(std::move(r)) {}

  Status bind(BindContext& context) const override;
  Status run(const RunContext& context) const override;
  std::string_view name() const override { return "lstm"; }

 private:
  WeightLayout weights(int64_t k, const LstmPlan& plan) const {
    return {.count = params_.directions, .k = k, .n = kGates * plan.hidden, .transposed = true};
  }
  Status run_direction(const RunContext& context, const LstmPlan& plan, const Direction& direction,
                       float* scratch) const;
  void load_states(const RunContext& context, const LstmPlan& plan, int direction,
                   float* scratch) const;
  void update_cell(const LstmPlan& plan, const Direction& direction, float* gates, float* h,
                   float* c, float* temporary) const;
  void store_states(const RunContext& context, const LstmPlan& plan, int direction,
                    const float* scratch) const;
  int64_t state_offset(const LstmPlan& plan, int direction, int64_t row) const {
    return (params_.batch_first ? row * params_.directions + direction
                                : direction * plan.batch + row) *
           plan.hidden;
  }

  LstmParams params_;
  std::shared_ptr<const Block> w_, r_;  // packed; null when only known at run time
};

Status LstmKernel::bind(BindContext& context) const {
  auto plan = std::make_unique<LstmPlan>();
  const Shape& x = context.inputs[kX].shape;
  plan->steps = x[params_.batch_first ? 1 : 0];
  plan->batch = x[params_.batch_first ? 0 : 1];
  plan->input = x[2];
  plan->hidden = context.inputs[kR].shape[2];
  std::optional<int64_t> floats = 0;
  const auto place = [&](std::initializer_list<int64_t> factors, int64_t& offset) {
    std::optional<int64_t> size = 1;
    for (int64_t factor : factors) size = size ? checked_mul(*size, factor) : size;
    offset = floats.value_or(0);
    if (size) size = checked_add<int64_t>(*size, 15);
    if (floats && size) floats = checked_add(*floats, *size / 16 * 16);
    if (!size) floats = std::nullopt;
  };
  const int64_t gates = kGates * plan->hidden;
  place({plan->steps, plan->batch, gates}, plan->gates_x);
  place({plan->batch, gates}, plan->gates);
  place({plan->batch, plan->hidden}, plan->h);
  place({plan->batch, plan->hidden}, plan->c);
  place({plan->hidden}, plan->temporary);
  place({gates}, plan->bias);
  for (const auto& [packed, k, offset] : {std::tuple(w_.get(), plan->input, &plan->packed_w),
                                          std::tuple(r_.get(), plan->hidden, &plan->packed_r)}) {
    const WeightLayout layout = weights(k, *plan);
    SX_TRY(packed_bytes(layout).take_status());
    place({packed ? 0 : layout.packed_size(), layout.count}, *offset);
  }
  if (!floats || *floats > static_cast<int64_t>(kMaxTensorBytes / sizeof(float))) {
    return error(ErrorCode::LIMIT_EXCEEDED, "LSTM of %lld steps needs too much memory",
                 static_cast<long long>(plan->steps));
  }
  context.scratch_bytes = static_cast<size_t>(*floats) * sizeof(float);
  context.plan = std::move(plan);
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

Status LstmKernel::run(const RunContext& context) const {
  const auto& plan = *static_cast<const LstmPlan*>(context.plan);
  SX_TRY(check_lengths(context, plan.steps));
  auto* scratch = reinterpret_cast<float*>(context.scratch);
  const auto packed = [&](const std::shared_ptr<const Block>& pack, size_t input, int64_t k,
                          int64_t offset) -> Result<const float*> {
    if (pack) return pack->as<const float>();
    float* to = scratch + offset;
    SX_TRY(pack_weights(context.inputs[input].as<const float>(), weights(k, plan), to));
    return to;
  };
  SX_ASSIGN(const float* w, packed(w_, kW, plan.input, plan.packed_w));
  SX_ASSIGN(const float* r, packed(r_, kR, plan.hidden, plan.packed_r));
  if (context.has_output(0)) {
    // Steps beyond a sequence's end stay zero.
    const size_t bytes = context.outputs[0].bytes();
    if (bytes) std::memset(context.outputs[0].data, 0, bytes);
  }
  if (plan.batch == 0 || plan.hidden == 0) return {};
  for (int d = 0; d < params_.directions; ++d) {
    const float* p = context.has_input(kP) ? context.inputs[kP].as<const float>() : nullptr;
    const Direction direction{.index = d,
                              .reversed = d == 1 || params_.first_reversed,
                              .w = w + d * weights(plan.input, plan).packed_size(),
                              .r = r + d * weights(plan.hidden, plan).packed_size(),
                              .peepholes = p ? p + d * 3 * plan.hidden : nullptr};
    SX_TRY(run_direction(context, plan, direction, scratch));
  }
  return {};
}

Status LstmKernel::run_direction(const RunContext& context, const LstmPlan& plan,
                                 const Direction& direction, float* scratch) const {
  const int64_t width = kGates * plan.hidden;
  float *gates_x = scratch + plan.gates_x, *gates = scratch + plan.gates;
  float *h = scratch + plan.h, *c = scratch + plan.c;
  load_states(context, plan, direction.index, scratch);

  simd::GemmEpilogue epilogue;
  if (context.has_input(kB)) {
    const float* b = context.inputs[kB].as<const float>() + direction.index * 2 * width;
    simd::binary(BinaryKind::kAdd, {b}, {b + width}, scratch + plan.bias, width);
    epilogue.column_bias = scratch + plan.bias;
  }
  SX_TRY(simd::gemm({.m = plan.steps * plan.batch,
                     .n = width,
                     .k = plan.input,
                     .a_stride = plan.input,
                     .c_stride = width},
                    {context.inputs[kX].as<const float>(), direction.w, gates_x}, epilogue));

  const auto* lengths = context.has_input(kSequenceLens)
                            ? context.inputs[kSequenceLens].as<const int32_t>()
                            : nullptr;
  auto* y = context.has_output(0) ? context.outputs[0].as<float>() : nullptr;
  for (int64_t step = 0; step < plan.steps; ++step) {
    SX_TRY(simd::gemm(
        {.m = plan.batch, .n = width, .k = plan.hidden, .a_stride = plan.hidden, .c_stride = width},
        {h, direction.r, gates}));
    for (int64_t row = 0; row < plan.batch; ++row) {
      const int64_t length = lengths ? lengths[row] : plan.steps;
      if (step >= length) continue;
      const int64_t t = direction.reversed ? length - 1 - step : step;
      const int64_t x_row = params_.batch_first ? row * plan.steps + t : t * plan.batch + row;
      float* own = gates + row * width;
      simd::binary(BinaryKind::kAdd, {own}, {gates_x + x_row * width}, own, width);
      float* own_h = h + row * plan.hidden;
      update_cell(plan, direction, own, own_h, c + row * plan.hidden, scratch + plan.temporary);
      if (!y) continue;
      const int64_t y_row = params_.batch_first
                                ? (row * plan.steps + t) * params_.directions + direction.index
                                : (t * params_.directions + direction.index) * plan.batch + row;
      std::copy_n(own_h, plan.hidden, y + y_row * plan.hidden);
    }
  }
  store_states(context, plan, direction.index, scratch);
  return {};
}

void LstmKernel::load_states(const RunContext& context, const LstmPlan& plan, int direction,
                             float* scratch) const {
  for (const auto& [input, offset] : {std::pair(kInitialH, plan.h), std::pair(kInitialC, plan.c)}) {
    float* state = scratch + offset;
    if (!context.has_input(input)) {
      std::fill_n(state, plan.batch * plan.hidden, 0.0f);
      continue;
    }
    const auto* from = context.inputs[input].as<const float>();
    for (int64_t row = 0; row < plan.batch; ++row) {
      std::copy_n(from + state_offset(plan, direction, row), plan.hidden,
                  state + row * plan.hidden);
    }
  }
}

void LstmKernel::store_states(const RunContext& context, const LstmPlan& plan, int direction,
                              const float* scratch) const {
  for (const auto& [output, offset] :
       {std::pair(size_t{1}, plan.h), std::pair(size_t{2}, plan.c)}) {
    if (!context.has_output(output)) continue;
    auto* to = context.outputs[output].as<float>();
    for (int64_t row = 0; row < plan.batch; ++row) {
      std::copy_n(scratch + offset + row * plan.hidden, plan.hidden,
                  to + state_offset(plan, direction, row));
    }
  }
}

void LstmKernel::update_cell(const LstmPlan& plan, const Direction& direction, float* gates,
                             float* h, float* c, float* temporary) const {
  const int64_t n = plan.hidden;
  float *input = gates + kInputGate * n, *output = gates + kOutputGate * n;
  float *forget = gates + kForgetGate * n, *candidate = gates + kCellGate * n;
  const Functions& functions = params_.functions[static_cast<size_t>(direction.index)];
  const auto peek = [&](float* gate, int which) {
    if (!direction.peepholes) return;
    simd::binary(BinaryKind::kMul, {direction.peepholes + which * n}, {c}, temporary, n);
    simd::binary(BinaryKind::kAdd, {gate}, {temporary}, gate, n);
  };
  const auto clip = [&](float* from, int64_t count) {
    if (params_.clip > 0.0f) {
      simd::unary(UnaryKind::kClip, -params_.clip, params_.clip, from, from, count);
    }
  };
  peek(input, 0);
  peek(forget, 2);
  clip(input, n);
  functions[0].apply(input, n);
  if (params_.couple_gates) {
    simd::scale_offset(input, -1.0f, 1.0f, forget, n);
  } else {
    clip(forget, n);
    functions[0].apply(forget, n);
  }
  clip(candidate, n);
  functions[1].apply(candidate, n);
  simd::sum_of_products(forget, c, input, candidate, c, n);
  // The output gate sees the new cell.
  peek(output, 1);
  clip(output, n);
  functions[0].apply(output, n);
  functions[2].apply(c, temporary, n);
  simd::binary(BinaryKind::kMul, {output}, {temporary}, h, n);
}

}  // namespace

Status infer_lstm(InferContext& context) {
  SX_TRY(check_arity(context, 3, kLstmInputs, 3));
  SX_TRY(check_dtype(context, kX, {DType::kFloat32}));
  for (size_t i : {kW, kR, kB, kInitialH, kInitialC, kP}) SX_TRY(check_same_dtype(context, kX, i));
  SX_TRY(check_dtype(context, kSequenceLens, {DType::kInt32}));
  SX_ASSIGN(const LstmParams params, read_params(context.attributes));
  SX_ASSIGN(const LstmDims dims, dims_of(context, params));
  SX_TRY(check_inputs(context, params, dims));
  const int64_t d = params.directions;
  const Shape y = params.batch_first ? Shape{dims.batch, dims.steps, d, dims.hidden}
                                     : Shape{dims.steps, d, dims.batch, dims.hidden};
  const Shape state =
      params.batch_first ? Shape{dims.batch, d, dims.hidden} : Shape{d, dims.batch, dims.hidden};
  for (size_t i = 0; i < 3; ++i) {
    if (context.has_output(i)) context.set_output(i, DType::kFloat32, i == 0 ? y : state);
  }
  return {};
}

Result<KernelPtr> make_lstm(const KernelInit& init) {
  SX_ASSIGN(const LstmParams params, read_params(init.attributes));
  std::shared_ptr<const Block> packed[2];
  for (size_t i : {kW, kR}) {
    const ConstantPtr& constant = init.inputs[i].constant;
    if (!constant || constant->shape.rank() != 3) continue;
    SX_ASSIGN(packed[i - kW], pack_constant(init, i,
                                            {.count = constant->shape[0],
                                             .k = constant->shape[2],
                                             .n = constant->shape[1],
                                             .transposed = true}));
  }
  return KernelPtr(
      std::make_unique<LstmKernel>(params, std::move(packed[0]), std::move(packed[1])));
}

}  // namespace sardonyx::ops
