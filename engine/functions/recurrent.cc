// Recurrent layers of com.microsoft whose weights are bytes: those of ai.onnx on the floats that
// the bytes stand for, which are made once, when a model is compiled.
#include <utility>

#include "engine/functions/function_body.h"

namespace sardonyx::functions {
namespace {

// Weights [direction, from, gates] at input `weights`, their scales [direction] or
// [direction, gates] at input `scale` and the zero points behind it, as [direction, gates, from].
ValueId weights_of(FunctionBody& body, size_t weights, size_t scale) {
  const ValueId shape = body.ints({0, 1, -1});
  const auto floats = [&](size_t i) { return body.cast(body.input(i), body.dtype(scale)); };
  const auto per_gate = [&](ValueId value) { return body.op("Reshape", {value, shape}); };
  ValueId out = floats(weights);
  if (body.has_input(scale + 1)) out = body.op("Sub", {out, per_gate(floats(scale + 1))});
  Attributes swapped;
  swapped.set("perm", std::vector<int64_t>{0, 2, 1});
  return body.op("Transpose", {body.op("Mul", {out, per_gate(body.input(scale))})}, swapped);
}

}  // namespace

// (x, w, r, b, sequence_lens, initial_h, initial_c, p, w scale, w zero point, r scale,
// r zero point)
Status expand_dynamic_quantize_lstm(FunctionBody& body) {
  SX_TRY(body.require_inputs(3));
  for (size_t i : {8, 10}) {
    if (!body.has_input(i)) {
      return error(ErrorCode::GRAPH_INPUT_MISSING, "input %zu, the scale of weights, is missing",
                   i);
    }
  }
  const auto outputs =
      body.ops("LSTM",
               {body.input(0), weights_of(body, 1, 8), weights_of(body, 2, 10), body.input(3),
                body.input(4), body.input(5), body.input(6), body.input(7)},
               3,
               body.copied({"activation_alpha", "activation_beta", "activations", "clip",
                            "direction", "hidden_size", "input_forget"}));
  for (size_t i = 0; i < 3; ++i) {
    if (body.has_output(i)) body.output(i, outputs[i]);
  }
  return {};
}

}  // namespace sardonyx::functions
