#include "tools/native/recorded_lookups.h"

#include <algorithm>
#include <span>
#include <utility>

namespace sardonyx {
namespace {

tool::Lookups found;
const tool::Lookups* allowed = nullptr;

template <class Entry>
const Entry* look_up(std::span<const Entry> entries, std::string_view domain, std::string_view name,
                     int opset, const std::set<const Entry*>* only,
                     std::set<const Entry*>& record) {
  const auto entry = std::find_if(entries.begin(), entries.end(), [&](const Entry& each) {
    return each.name == name && each.domain == domain && opset >= each.since &&
           opset <= each.until && (!only || only->contains(&each));
  });
  if (entry == entries.end()) return nullptr;
  record.insert(&*entry);
  return &*entry;
}

}  // namespace

const Operator* find_operator(std::string_view domain, std::string_view name, int opset) {
  return look_up(all_operators(), domain == "ai.onnx" ? "" : domain, name, opset,
                 allowed ? &allowed->operators : nullptr, found.operators);
}

const Function* find_function(std::string_view domain, std::string_view name, int opset) {
  return look_up(all_functions(), domain, name, opset, allowed ? &allowed->functions : nullptr,
                 found.functions);
}

namespace tool {

Lookups take_lookups() {
  return std::exchange(found, {});
}

void restrict_lookups(const Lookups* only) {
  allowed = only;
}

}  // namespace tool
}  // namespace sardonyx
