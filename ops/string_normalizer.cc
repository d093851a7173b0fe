// StringNormalizer: takes stop words out and changes the case of the others.
#include <algorithm>
#include <string>
#include <vector>

#include "base/letter_case.h"
#include "base/sorted_order.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

std::string folded(std::string_view text, bool case_sensitive) {
  return case_sensitive ? std::string(text) : with_case(text, LetterCase::kLower);
}

class StopWords {
 public:
  explicit StopWords(const Attributes& attributes)
      : case_sensitive_(attributes.get_int("is_case_sensitive", 0) != 0) {
    for (const std::string& word : attributes.get_strings("stopwords")) {
      words_.push_back(folded(word, case_sensitive_));
    }
    sort_items(words_);
  }
  bool empty() const { return words_.empty(); }
  bool contains(const StringRef& text) const {
    return !empty() &&
           std::binary_search(words_.begin(), words_.end(), folded(text.view(), case_sensitive_));
  }

 private:
  bool case_sensitive_;
  std::vector<std::string> words_;
};

Result<StringRef> changed(const StringRef& text, std::string_view action, ValueHeap& heap) {
  if (action == "NONE") return text;
  const LetterCase wanted = action == "LOWER" ? LetterCase::kLower : LetterCase::kUpper;
  return heap.copy(with_case(text.view(), wanted));
}

Status run_string_normalizer(const Attributes& attributes, const RunContext& context) {
  const TensorView& x = context.inputs[0];
  const TensorView& y = context.outputs[0];
  const StopWords stop(attributes);
  const std::string_view action = attributes.get_string("case_change_action", "NONE");
  int64_t kept = 0;
  for (int64_t i = 0; i < x.elements(); ++i) {
    const StringRef& text = x.as<const StringRef>()[i];
    if (stop.contains(text)) continue;
    if (kept == y.elements()) break;
    SX_ASSIGN(y.as<StringRef>()[kept++], changed(text, action, *context.heap));
  }
  std::fill(y.as<StringRef>() + kept, y.as<StringRef>() + y.elements(), StringRef());
  return {};
}

}  // namespace

// When nothing is left, one empty string is.
Status infer_string_normalizer(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  SX_TRY(check_dtype(context, 0, {DType::kString}));
  const std::string_view action = context.attributes.get_string("case_change_action", "NONE");
  if (action != "NONE" && action != "LOWER" && action != "UPPER") {
    return error(ErrorCode::ATTRIBUTE_INVALID,
                 "attribute 'case_change_action' must be NONE, LOWER or UPPER");
  }
  const ValueFacts& x = context.inputs[0];
  context.set_output_unknown(0, DType::kString);
  if (!x.has_shape) return {};
  const int rank = x.shape.rank();
  if (rank < 1 || rank > 2 || (rank == 2 && x.shape[0] >= 0 && x.shape[0] != 1)) {
    return error(ErrorCode::SHAPE_MISMATCH, "shape %s: must be [C] or [1,C]",
                 x.shape.to_string().c_str());
  }
  const StopWords stop(context.attributes);
  int64_t kept = stop.empty() ? x.shape[rank - 1] : kUnknownDim;
  if (!stop.empty() && x.value) {
    const auto* texts = x.value->as<const StringRef>();
    kept = std::count_if(texts, texts + x.value->elements(),
                         [&](const StringRef& text) { return !stop.contains(text); });
  }
  Shape shape = x.shape;
  shape[rank - 1] = kept == 0 ? 1 : kept;
  context.set_output(0, DType::kString, shape);
  return {};
}

Result<KernelPtr> make_string_normalizer(const KernelInit& init) {
  return stateless(init, run_string_normalizer);
}

}  // namespace sardonyx::ops
