// The elementwise part of one step of LSTM and GRU with their default activations, for one sequence
// of a batch. All operands have `n` floats per gate.
#pragma once

#include <cstdint>

namespace sardonyx::simd {

// Gates i, o, f, g, of which `products` (the state's part) and `x` (the input's part) are summands:
//   c = sigmoid(f) * c + sigmoid(i) * tanh(g), h = sigmoid(o) * tanh(c)
void lstm_cell(const float* products, const float* x, int64_t n, float* c, float* h);

// Gates z, r, h with the reset gate behind the product; `bias` of the product of gate h may be
// null.
//   h = (1 - sigmoid(z)) * tanh(x_h + sigmoid(r) * (products_h + bias)) + sigmoid(z) * h
void gru_cell(const float* products, const float* x, const float* bias, int64_t n, float* h);

}  // namespace sardonyx::simd
