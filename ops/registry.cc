// The operators of ops/operators.def as a table.
#include <iterator>

#include "ops/families.h"
#include "ops/operator.h"

namespace sardonyx {

namespace ops {

#define SX_DECLARE_kRowMajor(symbol)
#define SX_DECLARE_kAny(symbol)
#define SX_DECLARE_kChannelAware(symbol) bool takes_nc4hw4_##symbol(const KernelInit&);
#define SX_OPERATOR(domain, name, symbol, since, until, family, layout, flags) \
  SX_FAMILY_##family(Status infer_##symbol(InferContext&);                     \
                     Result<KernelPtr> make_##symbol(const KernelInit&);       \
                     SX_DECLARE_##layout(symbol))
#include "ops/operators.def"
#undef SX_OPERATOR

}  // namespace ops

namespace {

#define SX_TAKES_kRowMajor(symbol) nullptr
#define SX_TAKES_kAny(symbol) nullptr
#define SX_TAKES_kChannelAware(symbol) &ops::takes_nc4hw4_##symbol
#define SX_OPERATOR(domain, name, symbol, since, until, family, layout, flags) \
  SX_FAMILY_##family({domain, name, since, until, LayoutPolicy::layout, flags, \
                      &ops::infer_##symbol, &ops::make_##symbol, SX_TAKES_##layout(symbol)}, )

constexpr Operator kOperators[] = {
#include "ops/operators.def"
};
#undef SX_OPERATOR

// FNV-1a over the name; the domain is compared on a match only.
constexpr uint32_t hash(std::string_view text) {
  uint32_t value = 2166136261u;
  for (char c : text) value = (value ^ static_cast<uint8_t>(c)) * 16777619u;
  return value;
}

#define SX_OPERATOR(domain, name, symbol, since, until, family, layout, flags) \
  SX_FAMILY_##family(hash(name), )

constexpr uint32_t kHashes[] = {
#include "ops/operators.def"
};
#undef SX_OPERATOR

}  // namespace

const Operator* find_operator(std::string_view domain, std::string_view name, int opset) {
  if (domain == "ai.onnx") domain = {};
  const uint32_t wanted = hash(name);
  for (size_t i = 0; i < std::size(kHashes); ++i) {
    if (kHashes[i] != wanted) continue;
    const Operator& op = kOperators[i];
    if (op.name == name && op.domain == domain && opset >= op.since && opset <= op.until)
      return &op;
  }
  return nullptr;
}

std::span<const Operator> all_operators() {
  return kOperators;
}

}  // namespace sardonyx
