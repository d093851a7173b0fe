// LabelEncoder and CategoryMapper of ai.onnx.ml: each element is looked up in a list of keys.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "base/sorted_order.h"
#include "base/string_tensor.h"
#include "ops/convert.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

struct Table {
  ConstantPtr keys, values, fallback;
};

Result<ConstantPtr> strings_of(std::span<const std::string> texts) {
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  SX_ASSIGN(ConstantPtr made, make_strings({static_cast<int64_t>(views.size())}, views));
  return made;
}

template <typename T>
Result<ConstantPtr> numbers_of(std::span<const T> numbers) {
  SX_ASSIGN(const std::shared_ptr<Constant> made,
            make_constant(kDTypeOf<T>, {static_cast<int64_t>(numbers.size())}));
  if (!numbers.empty()) std::memcpy(made->view().data, numbers.data(), numbers.size_bytes());
  return ConstantPtr(made);
}

// A list under one of the names that an attribute has for each dtype: "keys_strings",
// "keys_tensor"…
Result<ConstantPtr> list_of(const Attributes& attributes, const std::string& prefix) {
  if (ConstantPtr tensor = attributes.get_tensor(prefix + "_tensor")) return tensor;
  if (attributes.has(prefix + "_int64s")) {
    return numbers_of<int64_t>(attributes.get_ints(prefix + "_int64s"));
  }
  if (attributes.has(prefix + "_floats")) {
    return numbers_of<float>(attributes.get_floats(prefix + "_floats"));
  }
  return strings_of(attributes.get_strings(prefix + "_strings"));
}

// What becomes of elements that are not in the list.
Result<ConstantPtr> fallback_of(const Attributes& attributes, DType dtype) {
  if (ConstantPtr tensor = attributes.get_tensor("default_tensor")) return tensor;
  if (dtype == DType::kString) {
    const std::string text(attributes.get_string("default_string", "_Unused"));
    return strings_of({&text, 1});
  }
  const int64_t whole = attributes.get_int("default_int64", -1);
  const float broken = attributes.get_float("default_float", -0.0f);
  const bool is_float = compute_dtype(dtype) == DType::kFloat32 || dtype == DType::kFloat64;
  SX_ASSIGN(const std::shared_ptr<Constant> made, make_constant(dtype, {1}));
  convert(dtype, made->view().data, is_float ? DType::kFloat32 : DType::kInt64,
          is_float ? static_cast<const void*>(&broken) : &whole, 1, 1);
  return ConstantPtr(made);
}

bool is_key(DType dtype) {
  return dtype == DType::kString || compute_dtype(dtype) != DType::kUndefined;
}

Result<Table> checked(Table table, const Attributes& attributes) {
  if (!is_key(table.keys->dtype) || !is_key(table.values->dtype)) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "keys or values have a dtype that is not supported");
  }
  if (table.keys->shape.elements() != table.values->shape.elements()) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "%s keys and %s values",
                 table.keys->shape.to_string().c_str(), table.values->shape.to_string().c_str());
  }
  SX_ASSIGN(table.fallback, fallback_of(attributes, table.values->dtype));
  if (table.fallback->dtype != table.values->dtype || table.fallback->shape.elements() != 1) {
    return error(ErrorCode::ATTRIBUTE_INVALID,
                 "the default is not one element of the values' dtype");
  }
  return table;
}

// Two lists of strings and integers, to be read in either direction.
Result<Table> two_way(const Attributes& attributes, ConstantPtr strings, ConstantPtr ints,
                      DType input) {
  if (input == DType::kString) return checked({strings, ints, nullptr}, attributes);
  return checked({ints, strings, nullptr}, attributes);
}

Result<Table> encoder_table(const Attributes& attributes, int opset, DType input) {
  if (opset < 2) {
    SX_ASSIGN(const ConstantPtr strings, strings_of(attributes.get_strings("classes_strings")));
    std::vector<int64_t> places(static_cast<size_t>(strings->view().elements()));
    for (size_t i = 0; i < places.size(); ++i) places[i] = static_cast<int64_t>(i);
    SX_ASSIGN(const ConstantPtr ints, numbers_of<int64_t>(places));
    return two_way(attributes, strings, ints, input);
  }
  Table table;
  SX_ASSIGN(table.keys, list_of(attributes, "keys"));
  SX_ASSIGN(table.values, list_of(attributes, "values"));
  return checked(std::move(table), attributes);
}

Result<Table> mapper_table(const Attributes& attributes, DType input) {
  SX_ASSIGN(const ConstantPtr strings, strings_of(attributes.get_strings("cats_strings")));
  SX_ASSIGN(const ConstantPtr ints, numbers_of<int64_t>(attributes.get_ints("cats_int64s")));
  return two_way(attributes, strings, ints, input);
}

// Equal keys have equal bytes: all NaNs are one, and so are both zeros.
std::string key_at(const TensorView& view, int64_t i) {
  if (view.dtype == DType::kString) return std::string(view.as<const StringRef>()[i].view());
  const auto width = static_cast<size_t>(dtype_bits(view.dtype)) / 8;
  const void* at = view.as<const uint8_t>() + static_cast<size_t>(i) * width;
  const DType computed = compute_dtype(view.dtype);
  uint64_t bits = 0;
  if (computed == DType::kInt64 || computed == DType::kUint64) {
    convert(computed, &bits, view.dtype, at, 1, 1);
  } else {
    double value = 0;
    convert(DType::kFloat64, &value, view.dtype, at, 1, 1);
    value = std::isnan(value) ? NAN : value == 0 ? 0.0 : value;
    std::memcpy(&bits, &value, sizeof bits);
  }
  return std::string(reinterpret_cast<const char*>(&bits), sizeof bits);
}

class LabelEncoderKernel final : public Kernel {
 public:
  explicit LabelEncoderKernel(Table table) : table_(std::move(table)) {
    const TensorView keys = table_.keys->view();
    for (int64_t i = 0; i < keys.elements(); ++i) places_.push_back({key_at(keys, i), i});
    sort_items(places_);
  }

  Status run(const RunContext& context) const override {
    const TensorView& x = context.inputs[0];
    const TensorView& y = context.outputs[0];
    const auto width = static_cast<size_t>(dtype_bits(y.dtype)) / 8;
    for (int64_t i = 0; i < y.elements(); ++i) {
      const std::pair<std::string, int64_t> wanted{key_at(x, i), 0};
      const auto found = std::lower_bound(places_.begin(), places_.end(), wanted);
      const bool known = found != places_.end() && found->first == wanted.first;
      const uint8_t* from =
          known ? table_.values->payload.data() + static_cast<size_t>(found->second) * width
                : table_.fallback->payload.data();
      std::memcpy(y.as<uint8_t>() + static_cast<size_t>(i) * width, from, width);
    }
    return {};
  }

 private:
  Table table_;
  std::vector<std::pair<std::string, int64_t>> places_;
};

Status infer_lookup_in(InferContext& context, const Table& table) {
  const ValueFacts& x = context.inputs[0];
  if (x.dtype != table.keys->dtype) {
    return error(ErrorCode::DTYPE_UNSUPPORTED, "the input is %s, the keys are %s",
                 dtype_name(x.dtype).data(), dtype_name(table.keys->dtype).data());
  }
  context.outputs[0] = {table.values->dtype, x.has_shape, x.shape, nullptr};
  return {};
}

Result<KernelPtr> make_lookup_in(Table table) {
  return KernelPtr(std::make_unique<LabelEncoderKernel>(std::move(table)));
}

}  // namespace

Status infer_label_encoder(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  SX_ASSIGN(const Table table,
            encoder_table(context.attributes, context.opset, context.inputs[0].dtype));
  return infer_lookup_in(context, table);
}

Result<KernelPtr> make_label_encoder(const KernelInit& init) {
  SX_ASSIGN(Table table, encoder_table(init.attributes, init.opset, init.inputs[0].dtype));
  return make_lookup_in(std::move(table));
}

Status infer_category_mapper(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  SX_ASSIGN(const Table table, mapper_table(context.attributes, context.inputs[0].dtype));
  return infer_lookup_in(context, table);
}

Result<KernelPtr> make_category_mapper(const KernelInit& init) {
  SX_ASSIGN(Table table, mapper_table(init.attributes, init.inputs[0].dtype));
  return make_lookup_in(std::move(table));
}

}  // namespace sardonyx::ops
