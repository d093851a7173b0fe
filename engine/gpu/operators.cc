// Which lowering to WebGPU an operator has, of those that are built.
#include <algorithm>
#include <initializer_list>

#include "engine/gpu/emitter.h"
#include "ops/built_operators.h"

namespace sardonyx::gpu {
namespace {

struct Entry {
  std::string_view domain, type;
  bool (*lower)(Emitter&);
};

constexpr std::initializer_list<Entry> kEntries = {
#define SX_GPU_OPERATOR(domain, name, symbol, lowering) \
  SX_BUILT_##symbol({domain, name, lower_##lowering}, )
#include "engine/gpu/operators.def"
#undef SX_GPU_OPERATOR
};

}  // namespace

bool lower_node(Emitter& emitter, std::string_view domain) {
  const auto entry = std::find_if(std::begin(kEntries), std::end(kEntries), [&](const Entry& e) {
    return e.type == emitter.type() && e.domain == domain;
  });
  return entry != std::end(kEntries) && entry->lower(emitter);
}

}  // namespace sardonyx::gpu
