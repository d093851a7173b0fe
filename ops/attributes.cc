#include "ops/attributes.h"

#include <utility>

namespace sardonyx {
namespace {

template <typename T>
const T* get_as(const Attributes& attributes, std::string_view name) {
  const Attribute::Value* value = attributes.find(name);
  return value ? std::get_if<T>(value) : nullptr;
}

}  // namespace

void Attributes::set(std::string name, Attribute::Value value) {
  for (Attribute& entry : entries_) {
    if (entry.name == name) {
      entry.value = std::move(value);
      return;
    }
  }
  entries_.push_back({std::move(name), std::move(value)});
}

const Attribute::Value* Attributes::find(std::string_view name) const {
  for (const Attribute& entry : entries_) {
    if (entry.name == name) return &entry.value;
  }
  return nullptr;
}

int64_t Attributes::get_int(std::string_view name, int64_t fallback) const {
  const auto* value = get_as<int64_t>(*this, name);
  return value ? *value : fallback;
}

float Attributes::get_float(std::string_view name, float fallback) const {
  const auto* value = get_as<float>(*this, name);
  return value ? *value : fallback;
}

std::string_view Attributes::get_string(std::string_view name, std::string_view fallback) const {
  const auto* value = get_as<std::string>(*this, name);
  return value ? std::string_view(*value) : fallback;
}

std::span<const int64_t> Attributes::get_ints(std::string_view name) const {
  const auto* value = get_as<std::vector<int64_t>>(*this, name);
  return value ? std::span<const int64_t>(*value) : std::span<const int64_t>();
}

std::span<const float> Attributes::get_floats(std::string_view name) const {
  const auto* value = get_as<std::vector<float>>(*this, name);
  return value ? std::span<const float>(*value) : std::span<const float>();
}

std::span<const std::string> Attributes::get_strings(std::string_view name) const {
  const auto* value = get_as<std::vector<std::string>>(*this, name);
  return value ? std::span<const std::string>(*value) : std::span<const std::string>();
}

const ValueType* Attributes::get_type(std::string_view name) const {
  return get_as<ValueType>(*this, name);
}

ConstantPtr Attributes::get_tensor(std::string_view name) const {
  const auto* value = get_as<ConstantPtr>(*this, name);
  return value ? *value : nullptr;
}

Result<int64_t> Attributes::require_int(std::string_view name) const {
  const auto* value = get_as<int64_t>(*this, name);
  if (value) return *value;
  return error(ErrorCode::ATTRIBUTE_INVALID, "attribute '%.*s' is missing or not an integer",
               static_cast<int>(name.size()), name.data());
}

}  // namespace sardonyx
