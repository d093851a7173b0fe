#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

// Unigrams 2, 3, 5, 4; bigrams (5 6), (7 8), (6 7).
OpTest vectorizer(const char* mode, int lowest, int highest, int skip) {
  OpTest test("TfIdfVectorizer");
  test.set("mode", mode)
      .set("min_gram_length", lowest)
      .set("max_gram_length", highest)
      .set("max_skip_count", skip)
      .ints("ngram_counts", {0, 4})
      .ints("ngram_indexes", {0, 1, 2, 3, 4, 5, 6})
      .ints("pool_int64s", {2, 3, 5, 4, 5, 6, 7, 8, 6, 7});
  return test;
}

const std::vector<int32_t> kRow = {1, 1, 3, 3, 3, 7, 8, 6, 7, 5, 6, 8};

}  // namespace

TEST_CASE("TfIdfVectorizer counts n-grams, with gaps", "[tf_idf_vectorizer]") {
  vectorizer("TF", 1, 2, 0).weight(i32({12}, kRow)).expect(f32({7}, {0, 3, 1, 0, 1, 1, 1})).run();
  vectorizer("TF", 2, 2, 5)
      .weight(i32({2, 6}, kRow))
      .expect(f32({2, 7}, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1}))
      .run();
}

TEST_CASE("TfIdfVectorizer weighs counts or presence", "[tf_idf_vectorizer]") {
  const std::vector<float> weights = {1, 2, 3, 4, 5, 6, 7};
  vectorizer("TFIDF", 1, 1, 0)
      .floats("weights", weights)
      .input(i32({12}, kRow))
      .expect(f32({7}, {0, 6, 3, 0, 0, 0, 0}))
      .run();
  vectorizer("IDF", 1, 1, 0)
      .floats("weights", weights)
      .input(i32({12}, kRow))
      .expect(f32({7}, {0, 2, 3, 0, 0, 0, 0}))
      .run();
}

TEST_CASE("TfIdfVectorizer counts strings", "[tf_idf_vectorizer]") {
  OpTest("TfIdfVectorizer")
      .set("mode", "TF")
      .set("min_gram_length", 1)
      .set("max_gram_length", 2)
      .set("max_skip_count", 1)
      .ints("ngram_counts", {0, 2})
      .ints("ngram_indexes", {2, 0, 1})
      .strings("pool_strings", {"b", "a", "a", "b"})
      .input(strings({4}, {"a", "x", "b", "b"}))
      .expect(f32({3}, {1, 1, 2}))
      .run();
}

TEST_CASE("TfIdfVectorizer refuses lists that do not fit each other", "[tf_idf_vectorizer]") {
  const TestTensor row = i32({12}, kRow);
  const auto fails = [&](OpTest test) { test.input(row).fails(ErrorCode::ATTRIBUTE_INVALID); };
  fails(vectorizer("TF", 1, 2, 0).ints("ngram_counts", {0, 3}));
  fails(vectorizer("TF", 1, 2, 0).ints("ngram_counts", {-1, 4}));
  fails(vectorizer("TF", 1, 2, 0).ints("ngram_counts", {0, 40}));
  fails(vectorizer("TF", 1, 2, 0).ints("ngram_indexes", {0, 1, 2}));
  fails(vectorizer("TF", 1, 2, 0).ints("ngram_indexes", {}));
  fails(vectorizer("TF", 1, 2, 0).ints("ngram_indexes", {0, 1, 2, 3, 4, 5, -1}));
  fails(vectorizer("TF", 1, 2, 0).ints("ngram_indexes", {0, 1, 2, 3, 4, 5, INT64_MAX}));
  fails(vectorizer("TF", 1, 2, 0).floats("weights", {1}));
  fails(vectorizer("TF", 0, 2, 0));
  fails(vectorizer("TF", 2, 1, 0));
  fails(vectorizer("TF", 1, 2, -1));
  fails(vectorizer("TFX", 1, 2, 0));
  fails(vectorizer("TF", 1, 2, 0).ints("pool_int64s", {}));
  vectorizer("TF", 1, 2, 0).input(f32({1}, {1})).fails(ErrorCode::DTYPE_UNSUPPORTED);
  vectorizer("TF", 1, 2, 0).input(i32({1, 1, 1}, {1})).fails(ErrorCode::SHAPE_MISMATCH);
}

}  // namespace sardonyx::test
