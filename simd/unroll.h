// Arrays of vectors stay in registers only if every index is a constant: loops over accumulators
// are marked, because the compiler leaves large bodies rolled.
#pragma once

#define SX_UNROLLED _Pragma("clang loop unroll(full)")
