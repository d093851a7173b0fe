// TfIdfVectorizer: counts the n-grams of a pool in rows of integers or strings.
#include <algorithm>
#include <vector>

#include "base/sorted_order.h"
#include "ops/sequence_rule.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

// The n-grams of one length n, sorted.
struct Grams {
  size_t n = 0;
  std::vector<size_t> starts;   // in Pool::tokens
  std::vector<size_t> numbers;  // of the n-gram, over all lengths
};

struct Pool {
  std::vector<int64_t> tokens;  // strings as their places in `words`
  std::vector<std::string> words;
  std::vector<Grams> lengths;
  size_t count = 0;
};

Status invalid(const char* what) {
  return error(ErrorCode::ATTRIBUTE_INVALID, "attribute %s", what);
}

int64_t place_of(const std::vector<std::string>& words, std::string_view word) {
  const auto at = std::lower_bound(words.begin(), words.end(), word);
  return at != words.end() && *at == word ? at - words.begin() : -1;
}

void read_tokens(const Attributes& attributes, Pool& pool) {
  const auto words = attributes.get_strings("pool_strings");
  const auto numbers = attributes.get_ints("pool_int64s");
  pool.tokens.assign(numbers.begin(), numbers.end());
  if (words.empty()) return;
  pool.words.assign(words.begin(), words.end());
  sort_items(pool.words);
  pool.words.erase(std::unique(pool.words.begin(), pool.words.end()), pool.words.end());
  pool.tokens.clear();
  for (const std::string& word : words) pool.tokens.push_back(place_of(pool.words, word));
}

// n-grams of length n are the tokens [counts[n - 1], counts[n]) of the pool.
Status read_lengths(const Attributes& attributes, Pool& pool) {
  const auto counts = attributes.get_ints("ngram_counts");
  for (size_t i = 0; i < counts.size(); ++i) {
    const auto size = static_cast<int64_t>(pool.tokens.size());
    const int64_t begin = counts[i];
    const int64_t end = i + 1 < counts.size() ? counts[i + 1] : size;
    Grams grams;
    grams.n = i + 1;
    if (begin < 0 || end < begin || end > size || static_cast<size_t>(end - begin) % grams.n != 0) {
      return invalid("'ngram_counts' does not fit the pool");
    }
    std::vector<std::pair<size_t, size_t>> order;
    for (auto start = static_cast<size_t>(begin); start < static_cast<size_t>(end);
         start += grams.n) {
      order.emplace_back(start, pool.count++);
    }
    const int64_t* tokens = pool.tokens.data();
    const auto n = static_cast<ptrdiff_t>(grams.n);
    sort_items(order, [&](const auto& a, const auto& b) {
      return std::lexicographical_compare(tokens + a.first, tokens + a.first + n, tokens + b.first,
                                          tokens + b.first + n);
    });
    for (const auto& [start, number] : order) {
      grams.starts.push_back(start);
      grams.numbers.push_back(number);
    }
    pool.lengths.push_back(std::move(grams));
  }
  return {};
}

Status check_lists(const Attributes& attributes, size_t count) {
  const auto indexes = attributes.get_ints("ngram_indexes");
  const size_t weights = attributes.get_floats("weights").size();
  if (indexes.size() != count || count == 0)
    return invalid("'ngram_indexes' does not fit the pool");
  if (*std::min_element(indexes.begin(), indexes.end()) < 0) {
    return invalid("'ngram_indexes' has a negative index");
  }
  if (weights != 0 && weights != count) return invalid("'weights' does not fit the pool");
  return {};
}

Result<Pool> make_pool(const Attributes& attributes) {
  if (attributes.get_strings("pool_strings").empty() ==
      attributes.get_ints("pool_int64s").empty()) {
    return invalid("'pool_strings' or 'pool_int64s' must be there, not both");
  }
  Pool pool;
  read_tokens(attributes, pool);
  SX_TRY(read_lengths(attributes, pool));
  SX_TRY(check_lists(attributes, pool.count));
  return pool;
}

class TfIdfKernel final : public Kernel {
 public:
  TfIdfKernel(const Attributes& attributes, Pool pool)
      : attributes_(attributes), pool_(std::move(pool)) {}

  Status run(const RunContext& context) const override {
    const TensorView& x = context.inputs[0];
    const TensorView& y = context.outputs[0];
    const int64_t width = y.shape[y.shape.rank() - 1];
    const int64_t rows = width ? y.elements() / width : 0;
    const int64_t length = x.shape.rank() ? x.shape[x.shape.rank() - 1] : 1;
    std::vector<int64_t> row(static_cast<size_t>(length));
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t i = 0; i < length; ++i) {
        row[static_cast<size_t>(i)] = token(x, r * length + i);
      }
      float* out = y.as<float>() + r * width;
      std::fill(out, out + width, 0.0f);
      count_grams(row, out);
      weigh(out, width);
    }
    return {};
  }

 private:
  int64_t token(const TensorView& x, int64_t i) const {
    if (x.dtype == DType::kString) return place_of(pool_.words, x.as<const StringRef>()[i].view());
    return int_at(x, i);
  }

  // Items of a gram may lie up to max_skip_count + 1 apart, all equally far.
  void count_grams(const std::vector<int64_t>& row, float* out) const {
    const auto lowest = static_cast<size_t>(attributes_.get_int("min_gram_length", 1));
    const auto highest = static_cast<size_t>(attributes_.get_int("max_gram_length", 1));
    const auto skips = static_cast<size_t>(attributes_.get_int("max_skip_count", 0));
    for (const Grams& grams : pool_.lengths) {
      if (grams.n < lowest || grams.n > highest) continue;
      const size_t farthest = grams.n == 1 ? 1 : std::min(skips, row.size()) + 1;
      for (size_t step = 1; step <= farthest; ++step) {
        for (size_t at = 0; at < row.size() && (row.size() - at - 1) / step >= grams.n - 1; ++at) {
          add_gram(grams, &row[at], step, out);
        }
      }
    }
  }

  // Each entry of the pool counts for itself, equal ones too.
  void add_gram(const Grams& grams, const int64_t* items, size_t step, float* out) const {
    const auto compare = [&](size_t start) {
      for (size_t i = 0; i < grams.n; ++i) {
        const int64_t a = pool_.tokens[start + i], b = items[i * step];
        if (a != b) return a < b ? -1 : 1;
      }
      return 0;
    };
    auto found = std::partition_point(grams.starts.begin(), grams.starts.end(),
                                      [&](size_t start) { return compare(start) < 0; });
    for (; found != grams.starts.end() && compare(*found) == 0; ++found) {
      const size_t number = grams.numbers[static_cast<size_t>(found - grams.starts.begin())];
      out[attributes_.get_ints("ngram_indexes")[number]] += 1.0f;
    }
  }

  void weigh(float* out, int64_t width) const {
    const std::string_view mode = attributes_.get_string("mode", "TF");
    if (mode == "TF") return;
    if (mode == "IDF") {
      for (int64_t i = 0; i < width; ++i) out[i] = out[i] > 0 ? 1.0f : 0.0f;
    }
    const auto weights = attributes_.get_floats("weights");
    const auto indexes = attributes_.get_ints("ngram_indexes");
    std::vector<float> factors(static_cast<size_t>(width), 1.0f);
    for (size_t i = 0; i < weights.size(); ++i) {
      factors[static_cast<size_t>(indexes[i])] = weights[i];
    }
    for (int64_t i = 0; i < width; ++i) out[i] *= factors[static_cast<size_t>(i)];
  }

  const Attributes& attributes_;
  Pool pool_;
};

}  // namespace

Status infer_tf_idf_vectorizer(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  const Attributes& attributes = context.attributes;
  const bool words = !attributes.get_strings("pool_strings").empty();
  SX_TRY(words ? check_dtype(context, 0, {DType::kString})
               : check_dtype(context, 0, {DType::kInt32, DType::kInt64}));
  const int64_t lowest = attributes.get_int("min_gram_length", 1);
  if (lowest < 1 || attributes.get_int("max_gram_length", 1) < lowest) {
    return invalid("'min_gram_length' or 'max_gram_length' is out of range");
  }
  if (attributes.get_int("max_skip_count", 0) < 0) return invalid("'max_skip_count' is negative");
  const std::string_view mode = attributes.get_string("mode", "TF");
  if (mode != "TF" && mode != "IDF" && mode != "TFIDF") {
    return invalid("'mode' must be TF, IDF or TFIDF");
  }
  const auto indexes = attributes.get_ints("ngram_indexes");
  if (indexes.empty()) return invalid("'ngram_indexes' is missing");
  const int64_t last = *std::max_element(indexes.begin(), indexes.end());
  if (last < 0 || last > INT32_MAX) return invalid("'ngram_indexes' is out of range");
  const ValueFacts& x = context.inputs[0];
  context.set_output_unknown(0, DType::kFloat32);
  if (!x.has_shape) return {};
  if (x.shape.rank() > 2) {
    return error(ErrorCode::SHAPE_MISMATCH, "shape %s: must be [C] or [N,C]",
                 x.shape.to_string().c_str());
  }
  context.set_output(0, DType::kFloat32,
                     x.shape.rank() == 2 ? Shape{x.shape[0], last + 1} : Shape{last + 1});
  return {};
}

Result<KernelPtr> make_tf_idf_vectorizer(const KernelInit& init) {
  SX_ASSIGN(Pool pool, make_pool(init.attributes));
  return KernelPtr(std::make_unique<TfIdfKernel>(init.attributes, std::move(pool)));
}

}  // namespace sardonyx::ops
