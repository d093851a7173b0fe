// StringSplit: each string in parts along a new last axis, filled up with empty strings, and how
// many parts there are.
#include <algorithm>
#include <string_view>

#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

constexpr std::string_view kWhitespace = " \t\n\v\f\r";

// Cuts one string from the left. Without a delimiter runs of whitespace separate.
class Splitter {
 public:
  Splitter(const Attributes& attributes, std::string_view text)
      : delimiter_(attributes.get_string("delimiter", "")),
        cuts_(attributes.has("maxsplit") ? attributes.get_int("maxsplit", 0) : INT64_MAX),
        rest_(text) {
    if (delimiter_.empty()) skip_whitespace();
  }

  bool next(std::string_view& part) {
    if (!more_) return false;
    const size_t end = cuts_ == 0           ? std::string_view::npos
                       : delimiter_.empty() ? rest_.find_first_of(kWhitespace)
                                            : rest_.find(delimiter_);
    part = rest_.substr(0, end);
    if (end == std::string_view::npos) {
      more_ = false;
      return true;
    }
    --cuts_;
    rest_.remove_prefix(end + std::max<size_t>(delimiter_.size(), 1));
    if (delimiter_.empty()) skip_whitespace();
    return true;
  }

 private:
  void skip_whitespace() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(kWhitespace), rest_.size()));
    more_ = !rest_.empty();
  }

  std::string_view delimiter_;
  int64_t cuts_;  // left
  std::string_view rest_;
  bool more_ = true;
};

int64_t count_parts(const Attributes& attributes, const StringRef& text) {
  int64_t count = 0;
  std::string_view part;
  for (Splitter splitter(attributes, text.view()); splitter.next(part);) ++count;
  return count;
}

Status run_string_split(const Attributes& attributes, const RunContext& context) {
  const TensorView& x = context.inputs[0];
  const TensorView& y = context.outputs[0];
  const int64_t width = y.present() ? y.shape[y.shape.rank() - 1] : 0;
  for (int64_t i = 0; i < x.elements(); ++i) {
    const StringRef& text = x.as<const StringRef>()[i];
    if (context.has_output(1)) {
      context.outputs[1].as<int64_t>()[i] = count_parts(attributes, text);
    }
    std::string_view part;
    int64_t filled = 0;
    StringRef* out = y.as<StringRef>() + i * width;
    for (Splitter splitter(attributes, text.view()); filled < width && splitter.next(part);) {
      out[filled++] = {part.data(), static_cast<uint32_t>(part.size())};
    }
    std::fill(out + filled, out + width, StringRef());
  }
  return {};
}

}  // namespace

Status infer_string_split(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1, 2));
  SX_TRY(check_dtype(context, 0, {DType::kString}));
  if (context.attributes.get_int("maxsplit", 0) < 0) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "attribute 'maxsplit' is negative");
  }
  const ValueFacts& x = context.inputs[0];
  context.set_output_unknown(0, DType::kString);
  if (context.has_output(1)) context.outputs[1] = {DType::kInt64, x.has_shape, x.shape, nullptr};
  if (!x.has_shape) return {};
  int64_t width = x.value ? 0 : kUnknownDim;
  for (int64_t i = 0; x.value && i < x.value->elements(); ++i) {
    width = std::max(width, count_parts(context.attributes, x.value->as<const StringRef>()[i]));
  }
  Shape shape = x.shape;
  if (!shape.push_back(width)) {
    return error(ErrorCode::LIMIT_EXCEEDED, "the output has more than %d dims", kMaxRank);
  }
  context.set_output(0, DType::kString, shape);
  return {};
}

Result<KernelPtr> make_string_split(const KernelInit& init) {
  return stateless(init, run_string_split);
}

}  // namespace sardonyx::ops
