// GRU.
#include <algorithm>

#include "ops/recurrent_layer.h"
#include "ops/widened.h"
#include "simd/recurrent.h"

namespace sardonyx::ops {
namespace {

using simd::BinaryKind;

// Order of the gates in W, R and B.
enum Gate : int { kUpdateGate, kResetGate, kHiddenGate, kGates };

class GruKernel final : public RecurrentKernel {
 public:
  static constexpr RecurrentCell kCell{
      .gates = kGates, .functions = 2, .defaults = {GateFunction(), kTanhFunction}};

  GruKernel(const RecurrentParams& params, const Attributes& attributes)
      : RecurrentKernel(kCell, params),
        linear_before_reset_(attributes.get_int("linear_before_reset", 0) != 0) {}
  std::string_view name() const override { return "gru"; }

 private:
  bool separate_products() const override { return !linear_before_reset_; }
  // The reset gate scales that bias too.
  bool keeps_recurrent_bias(int gate) const override {
    return linear_before_reset_ && gate == kHiddenGate;
  }
  Status step(const RecurrentDirection& direction, const RecurrentRows& rows) const override;
  // With the default functions, no clip, and the reset gate behind the product.
  void plain_step(const RecurrentDirection& direction, const RecurrentRows& rows) const;
  void open_gates(const RecurrentDirection& direction, const float* x, float* gates) const;
  void update(const RecurrentDirection& direction, const float* x, float* gates, float* h) const;

  bool linear_before_reset_;
};

Status GruKernel::step(const RecurrentDirection& direction, const RecurrentRows& rows) const {
  const int64_t n = direction.hidden;
  SX_TRY(multiply(direction, direction.h, 0, linear_before_reset_ ? kGates : kHiddenGate));
  if (linear_before_reset_ && is_plain(direction)) {
    plain_step(direction, rows);
    return {};
  }
  for (int64_t row = 0; row < direction.batch; ++row) {
    float* reset_h = direction.temporary + row * n;
    const float* x = rows.x(row);
    if (!x) {
      std::fill_n(reset_h, n, 0.0f);
      continue;
    }
    float* gates = direction.gates + row * kGates * n;
    open_gates(direction, x, gates);
    simd::binary(BinaryKind::kMul, {gates + kResetGate * n}, {direction.h + row * n}, reset_h, n);
  }
  if (!linear_before_reset_) {
    SX_TRY(multiply(direction, direction.temporary, kHiddenGate, 1));
  }
  for (int64_t row = 0; row < direction.batch; ++row) {
    if (const float* x = rows.x(row)) {
      update(direction, x, direction.gates + row * kGates * n, direction.h + row * n);
    }
  }
  return {};
}

void GruKernel::plain_step(const RecurrentDirection& direction, const RecurrentRows& rows) const {
  const int64_t n = direction.hidden;
  const float* bias =
      direction.recurrent_bias ? direction.recurrent_bias + kHiddenGate * n : nullptr;
  for (int64_t row = 0; row < direction.batch; ++row) {
    const float* x = rows.x(row);
    if (!x) continue;
    simd::gru_cell(direction.gates + row * kGates * n, x, bias, n, direction.h + row * n);
  }
}

void GruKernel::open_gates(const RecurrentDirection& direction, const float* x,
                           float* gates) const {
  const int64_t count = kHiddenGate * direction.hidden;
  simd::binary(BinaryKind::kAdd, {gates}, {x}, gates, count);
  clip(gates, count);
  functions(direction)[0].apply(gates, count);
}

void GruKernel::update(const RecurrentDirection& direction, const float* x, float* gates,
                       float* h) const {
  const int64_t n = direction.hidden;
  float *update_gate = gates + kUpdateGate * n, *reset = gates + kResetGate * n;
  float* hidden = gates + kHiddenGate * n;
  if (linear_before_reset_) {
    if (direction.recurrent_bias) {
      const float* bias = direction.recurrent_bias + kHiddenGate * n;
      simd::binary(BinaryKind::kAdd, {hidden}, {bias}, hidden, n);
    }
    simd::binary(BinaryKind::kMul, {hidden}, {reset}, hidden, n);
  }
  simd::binary(BinaryKind::kAdd, {hidden}, {x + kHiddenGate * n}, hidden, n);
  clip(hidden, n);
  functions(direction)[1].apply(hidden, n);
  // h = (1 - z) * hidden + z * h.
  simd::scale_offset(update_gate, -1.0f, 1.0f, reset, n);
  simd::sum_of_products(reset, hidden, update_gate, h, h, n);
}

}  // namespace

Status infer_gru(InferContext& context) {
  return infer_recurrent(context, GruKernel::kCell);
}
Result<KernelPtr> make_gru(const KernelInit& init) {
  return widened(init, make_recurrent<GruKernel>);
}

}  // namespace sardonyx::ops
