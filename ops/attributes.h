// Attributes of a node, as read from the model.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"

namespace sardonyx {

struct Graph;  // engine/graph.h; opaque here

// The type of a value, as an attribute.
struct ValueType {
  ValueKind kind = ValueKind::kTensor;
  DType dtype = DType::kUndefined;  // of the elements
};

struct Attribute {
  using Value =
      std::variant<int64_t, float, std::string, std::vector<int64_t>, std::vector<float>,
                   std::vector<std::string>, ConstantPtr, std::shared_ptr<Graph>, ValueType>;
  std::string name;
  Value value;
};

// Few entries per node, searched linearly. A lookup with the wrong type counts as absent for the
// `get_*` forms and is ATTRIBUTE_INVALID for the `require_*` forms.
class Attributes {
 public:
  void set(std::string name, Attribute::Value value);
  bool has(std::string_view name) const { return find(name) != nullptr; }
  const Attribute::Value* find(std::string_view name) const;

  int64_t get_int(std::string_view name, int64_t fallback) const;
  float get_float(std::string_view name, float fallback) const;
  std::string_view get_string(std::string_view name, std::string_view fallback) const;
  std::span<const int64_t> get_ints(std::string_view name) const;         // empty when absent
  std::span<const float> get_floats(std::string_view name) const;         // empty when absent
  std::span<const std::string> get_strings(std::string_view name) const;  // empty when absent
  ConstantPtr get_tensor(std::string_view name) const;                    // null when absent
  const ValueType* get_type(std::string_view name) const;                 // null when absent
  Result<int64_t> require_int(std::string_view name) const;

  const std::vector<Attribute>& all() const { return entries_; }

 private:
  std::vector<Attribute> entries_;
};

}  // namespace sardonyx
