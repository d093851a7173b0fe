// How Scatter… joins what is written to a place with what is there.
#pragma once

#include <cstdint>

#include "base/dtype.h"
#include "base/status.h"
#include "ops/attributes.h"

namespace sardonyx::ops {

enum class Combine : uint8_t { kReplace, kAdd, kMul, kMax, kMin };

// Attribute 'reduction'; ATTRIBUTE_INVALID.
Result<Combine> combine_mode(const Attributes& attributes);
// DTYPE_UNSUPPORTED when elements of the dtype can not be combined so.
Status check_combine(Combine mode, DType dtype);

// to[i] = to[i] op from[i]; integers wrap.
void combine(Combine mode, DType dtype, void* to, const void* from, int64_t n);

}  // namespace sardonyx::ops
