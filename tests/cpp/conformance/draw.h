// What a mutant draws from, and what it says about itself.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <string>

namespace sardonyx::test {

// The same numbers everywhere for one seed.
class Draw {
 public:
  explicit Draw(uint32_t seed) : random_(seed) {}

  // In [0, count); 0 when there is nothing to choose from.
  size_t below(size_t count) { return count == 0 ? 0 : random_() % count; }
  bool one_in(size_t count) { return below(count) == 0; }
  template <typename T, size_t N>
  T from(const T (&values)[N]) {
    return values[below(N)];
  }
  // A whole number of the kind that breaks code: around zero, around limits.
  int64_t whole();
  // For dims: mostly small.
  int64_t dim();
  double real();

  // Says what has been changed; the whole is `story()`.
  void tell(const std::string& change) { story_ += (story_.empty() ? "" : "; ") + change; }
  const std::string& story() const { return story_; }

 private:
  std::mt19937 random_;
  std::string story_;
};

}  // namespace sardonyx::test
