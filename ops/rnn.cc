// RNN: h = f(x * W + h * R + bias).
#include "ops/recurrent_layer.h"
#include "ops/widened.h"

namespace sardonyx::ops {
namespace {

class RnnKernel final : public RecurrentKernel {
 public:
  static constexpr RecurrentCell kCell{.gates = 1, .functions = 1, .defaults = {kTanhFunction}};

  RnnKernel(const RecurrentParams& params, const Attributes&) : RecurrentKernel(kCell, params) {}
  std::string_view name() const override { return "rnn"; }

 private:
  Status step(const RecurrentDirection& direction, const RecurrentRows& rows) const override {
    const int64_t n = direction.hidden;
    SX_TRY(multiply(direction, direction.h, 0, 1));
    for (int64_t row = 0; row < direction.batch; ++row) {
      const float* x = rows.x(row);
      if (!x) continue;
      float* h = direction.h + row * n;
      simd::binary(simd::BinaryKind::kAdd, {direction.gates + row * n}, {x}, h, n);
      clip(h, n);
      functions(direction)[0].apply(h, n);
    }
    return {};
  }
};

}  // namespace

Status infer_rnn(InferContext& context) {
  return infer_recurrent(context, RnnKernel::kCell);
}
Result<KernelPtr> make_rnn(const KernelInit& init) {
  return widened(init, make_recurrent<RnnKernel>);
}

}  // namespace sardonyx::ops
