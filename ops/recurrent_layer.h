// What RNN, GRU and LSTM share: the input's part of all gates as one product over all steps, then a
// step after the other.
#pragma once

#include <array>
#include <memory>
#include <span>

#include "ops/gate_function.h"
#include "ops/gemm_weights.h"
#include "ops/operator.h"

namespace sardonyx::ops {

// Inputs, by their ONNX position; the last two are an LSTM's alone.
enum RecurrentInput : size_t { kX, kW, kR, kB, kSequenceLens, kInitialH, kInitialC, kPeepholes };

// What tells the layers apart.
struct RecurrentCell {
  int gates = 1;
  int functions = 1;  // of one direction
  bool has_cell_state = false;
  std::array<GateFunction, 3> defaults{};

  size_t inputs() const { return has_cell_state ? 8 : 6; }
  size_t outputs() const { return has_cell_state ? 3 : 2; }
};

struct RecurrentParams {
  int directions = 1;
  bool first_reversed = false;
  bool batch_first = false;                                // layout = 1
  float clip = 0.0f;                                       // 0: none
  std::array<std::array<GateFunction, 3>, 2> functions{};  // of each direction
};
Result<RecurrentParams> read_recurrent(const Attributes& attributes, const RecurrentCell& cell);

Status infer_recurrent(InferContext& context, const RecurrentCell& cell);

// One direction of one run; rows are those of the batch.
struct RecurrentDirection {
  int index = 0;
  bool reversed = false;
  int64_t batch = 0, hidden = 0;
  const float* r = nullptr;               // packed; one after the other if separate
  const float* recurrent_bias = nullptr;  // [gates, hidden]; null without biases
  const float* peepholes = nullptr;       // [3, hidden] in the order i, o, f; or null
  float *h = nullptr, *c = nullptr;       // [batch, hidden]
  float* gates = nullptr;                 // [batch, gates * hidden]
  float* temporary = nullptr;             // [batch, hidden]
};

// The sequences at one step.
class RecurrentRows {
 public:
  RecurrentRows(const float* gates_x, int64_t width) : gates_x_(gates_x), width_(width) {}
  // Where row i of the batch lies among all steps; -1: its sequence has ended.
  std::span<int64_t> positions;
  // The input's part of the row's gates; null when its sequence has ended.
  const float* x(int64_t row) const {
    const int64_t at = positions[static_cast<size_t>(row)];
    return at < 0 ? nullptr : gates_x_ + at * width_;
  }

 private:
  const float* gates_x_;
  int64_t width_;
};

class RecurrentKernel : public Kernel {
 public:
  Status bind(BindContext& context) const final;
  Status run(const RunContext& context) const final;

  // Packs the weights that are constant.
  Status prepare(const KernelInit& init);

 protected:
  RecurrentKernel(const RecurrentCell& cell, const RecurrentParams& params)
      : cell_(cell), params_(params) {}

  // Whether each gate has its own product with the hidden state.
  virtual bool separate_products() const { return false; }
  // Which of the recurrent biases are not added to the input's part.
  virtual bool keeps_recurrent_bias(int /*gate*/) const { return false; }
  // New states of the rows that go on.
  virtual Status step(const RecurrentDirection& direction, const RecurrentRows& rows) const = 0;

  // gates = h * R, of all gates at once or, if they are separate, of gates [first, first + count)
  // for `from` [batch, hidden].
  Status multiply(const RecurrentDirection& direction, const float* from, int first,
                  int count) const;
  void clip(float* from, int64_t count) const;
  // Whether the direction does without a clip and has the cell's default functions.
  bool is_plain(const RecurrentDirection& direction) const {
    return params_.clip == 0.0f && functions(direction) == cell_.defaults;
  }
  const std::array<GateFunction, 3>& functions(const RecurrentDirection& direction) const {
    return params_.functions[static_cast<size_t>(direction.index)];
  }

  const RecurrentCell& cell_;
  const RecurrentParams params_;

 private:
  struct Plan;
  WeightLayout w_layout(int64_t input, int64_t hidden) const;
  WeightLayout r_layout(int64_t hidden) const;
  Status run_direction(const RunContext& context, const Plan& plan, const float* w,
                       RecurrentDirection& direction, float* scratch) const;
  const float* input_bias(const RunContext& context, const Plan& plan,
                          RecurrentDirection& direction, float* scratch) const;
  int64_t state_offset(const Plan& plan, int direction, int64_t row) const;
  void load_state(const RunContext& context, const Plan& plan, size_t input, int direction,
                  float* state) const;
  void store_state(const RunContext& context, const Plan& plan, size_t output, int direction,
                   const float* state) const;

  std::shared_ptr<const Block> w_, r_;  // packed; null when only known at run time
};

// A kernel class derived from RecurrentKernel, for tensors of every float dtype.
template <typename T>
Result<KernelPtr> make_recurrent(const KernelInit& init) {
  SX_ASSIGN(const RecurrentParams params, read_recurrent(init.attributes, T::kCell));
  auto kernel = std::make_unique<T>(params, init.attributes);
  SX_TRY(kernel->prepare(init));
  return KernelPtr(std::move(kernel));
}

}  // namespace sardonyx::ops
