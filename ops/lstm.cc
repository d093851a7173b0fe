// LSTM, with peepholes and coupled gates.
#include "ops/recurrent_layer.h"
#include "ops/widened.h"
#include "simd/recurrent.h"

namespace sardonyx::ops {
namespace {

using simd::BinaryKind;

// Order of the gates in W, R and B.
enum Gate : int { kInputGate, kOutputGate, kForgetGate, kCellGate, kGates };

class LstmKernel final : public RecurrentKernel {
 public:
  static constexpr RecurrentCell kCell{.gates = kGates,
                                       .functions = 3,
                                       .has_cell_state = true,
                                       .defaults = {GateFunction(), kTanhFunction, kTanhFunction}};

  LstmKernel(const RecurrentParams& params, const Attributes& attributes)
      : RecurrentKernel(kCell, params), couple_gates_(attributes.get_int("input_forget", 0) != 0) {}
  std::string_view name() const override { return "lstm"; }

 private:
  Status step(const RecurrentDirection& direction, const RecurrentRows& rows) const override;
  void update(const RecurrentDirection& direction, float* gates, float* h, float* c) const;

  bool couple_gates_;
};

Status LstmKernel::step(const RecurrentDirection& direction, const RecurrentRows& rows) const {
  const int64_t width = kGates * direction.hidden;
  SX_TRY(multiply(direction, direction.h, 0, kGates));
  const bool plain = is_plain(direction) && !direction.peepholes && !couple_gates_;
  for (int64_t row = 0; row < direction.batch; ++row) {
    const float* x = rows.x(row);
    if (!x) continue;
    float* gates = direction.gates + row * width;
    float* h = direction.h + row * direction.hidden;
    float* c = direction.c + row * direction.hidden;
    if (plain) {
      simd::lstm_cell(gates, x, direction.hidden, c, h);
      continue;
    }
    simd::binary(BinaryKind::kAdd, {gates}, {x}, gates, width);
    update(direction, gates, h, c);
  }
  return {};
}

void LstmKernel::update(const RecurrentDirection& direction, float* gates, float* h,
                        float* c) const {
  const int64_t n = direction.hidden;
  float *input = gates + kInputGate * n, *output = gates + kOutputGate * n;
  float *forget = gates + kForgetGate * n, *candidate = gates + kCellGate * n;
  float* temporary = direction.temporary;
  const auto& f = functions(direction);
  const auto peek = [&](float* gate, int which) {
    if (!direction.peepholes) return;
    simd::binary(BinaryKind::kMul, {direction.peepholes + which * n}, {c}, temporary, n);
    simd::binary(BinaryKind::kAdd, {gate}, {temporary}, gate, n);
  };
  peek(input, 0);
  peek(forget, 2);
  clip(input, n);
  f[0].apply(input, n);
  if (couple_gates_) {
    simd::scale_offset(input, -1.0f, 1.0f, forget, n);
  } else {
    clip(forget, n);
    f[0].apply(forget, n);
  }
  clip(candidate, n);
  f[1].apply(candidate, n);
  simd::sum_of_products(forget, c, input, candidate, c, n);
  // The output gate sees the new cell.
  peek(output, 1);
  clip(output, n);
  f[0].apply(output, n);
  f[2].apply(c, temporary, n);
  simd::binary(BinaryKind::kMul, {output}, {temporary}, h, n);
}

}  // namespace

Status infer_lstm(InferContext& context) {
  return infer_recurrent(context, LstmKernel::kCell);
}
Result<KernelPtr> make_lstm(const KernelInit& init) {
  return widened(init, make_recurrent<LstmKernel>);
}

}  // namespace sardonyx::ops
