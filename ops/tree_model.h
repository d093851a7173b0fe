// Decision trees as ai.onnx.ml writes them down.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "ops/attributes.h"

namespace sardonyx::ops {

// How a node compares its feature with its split; the numbers are TreeEnsemble's.
enum class TreeTest : uint8_t {
  kLessEqual,
  kLess,
  kGreaterEqual,
  kGreater,
  kEqual,
  kNotEqual,
  kMember
};

struct TreeModel {
  // A node's child, or a root: a node, or a leaf when the flag is set.
  using Place = uint32_t;
  static constexpr Place kLeaf = 1u << 31;

  struct Node {
    int64_t feature = 0;
    double split = 0;
    Place yes = kLeaf, no = kLeaf;
    uint32_t members = 0;  // kMember: first of the set, its end is the next node's first
    uint32_t members_end = 0;
    TreeTest test = TreeTest::kLessEqual;
    bool missing_is_yes = false;
  };
  struct Weight {
    uint32_t leaf = 0;
    uint32_t target = 0;
    double value = 0;
  };
  enum class Sum : uint8_t { kAverage, kSum, kMin, kMax };

  std::vector<Node> nodes;
  std::vector<Weight> weights;      // sorted by leaf
  std::vector<uint32_t> leaf_ends;  // behind the last weight of each leaf
  std::vector<Place> roots;
  std::vector<double> members;
  std::vector<double> base;  // per target, or empty
  Sum sum = Sum::kSum;
  int64_t features = 0;  // that rows must have at least
  int64_t width = 1;     // targets

  void score(std::span<const double> row, std::span<double> scores) const;

 private:
  uint32_t leaf_of(Place place, std::span<const double> row) const;
};

// Targets: `n_targets`, or the number of class labels. ATTRIBUTE_INVALID.
Result<int64_t> tree_width(const Attributes& attributes);
// ATTRIBUTE_INVALID when lists are not equally long, an index is out of range, or nodes form no
// trees.
Result<TreeModel> read_trees(const Attributes& attributes);

}  // namespace sardonyx::ops
