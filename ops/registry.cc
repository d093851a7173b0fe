// The operators of ops/operators.def that are built, as a table.
#include "ops/built_operators.h"
#include "ops/operator.h"

namespace sardonyx {

namespace ops {

#define SX_DECLARE_kRowMajor(symbol)
#define SX_DECLARE_kAny(symbol)
#define SX_DECLARE_kChannelAware(symbol) bool takes_nc4hw4_##symbol(const KernelInit&);
#define SX_OPERATOR(domain, name, symbol, since, until, family, layout, flags) \
  SX_BUILT_##symbol(Status infer_##symbol(InferContext&);                      \
                    Result<KernelPtr> make_##symbol(const KernelInit&);        \
                    SX_DECLARE_##layout(symbol))
#include "ops/operators.def"
#undef SX_OPERATOR

}  // namespace ops

namespace {

#define SX_TAKES_kRowMajor(symbol) nullptr
#define SX_TAKES_kAny(symbol) nullptr
#define SX_TAKES_kChannelAware(symbol) &ops::takes_nc4hw4_##symbol
#define SX_OPERATOR(domain, name, symbol, since, until, family, layout, flags) \
  SX_BUILT_##symbol({domain, name, since, until, LayoutPolicy::layout, flags,  \
                     &ops::infer_##symbol, &ops::make_##symbol, SX_TAKES_##layout(symbol)}, )

constexpr Operator kOperators[] = {
#include "ops/operators.def"
};
#undef SX_OPERATOR

}  // namespace

std::span<const Operator> all_operators() {
  return kOperators;
}

}  // namespace sardonyx
