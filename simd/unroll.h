// Arrays of vectors stay in registers only if every index is a constant: loops over accumulators
// are marked, because the compiler leaves large bodies rolled.
#pragma once

#define SX_UNROLLED _Pragma("clang loop unroll(full)")
// Loops whose bodies V8 keeps in registers only as they are.
#define SX_ROLLED _Pragma("clang loop unroll(disable)")
// Tails and set-up: small code before fast code.
#define SX_SCALAR _Pragma("clang loop unroll(disable) vectorize(disable)")
