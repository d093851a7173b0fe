// Constant weights of integer products, widened with their zero points taken away.
#pragma once

#include <functional>
#include <string>

#include "ops/requantization.h"

namespace sardonyx::ops {

// The weights of a node if they and their zero points are constant, otherwise null.
ConstantPtr fixed_integer_weights(const KernelInit& init, const IntegerInputs& at);

struct IntegerPacking {
  std::string name;             // of the packing, without the zero points
  int64_t columns = 0;          // that have zero points
  std::optional<int64_t> size;  // int16 elements; nullopt: too many
  std::function<void(const int32_t* zeros, int16_t* packed)> pack;
};
// The packed form of fixed_integer_weights(), shared by the nodes with the same zero points; tells
// the engine that the input is not needed any more.
Result<std::shared_ptr<const Block>> pack_integer_weights(const KernelInit& init,
                                                          const IntegerInputs& at,
                                                          const IntegerPacking& packing);

}  // namespace sardonyx::ops
