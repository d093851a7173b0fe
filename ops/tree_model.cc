#include "ops/tree_model.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/sorted_order.h"
#include "ops/convert.h"

namespace sardonyx::ops {
namespace {

using Place = TreeModel::Place;
using Ints = std::span<const int64_t>;

constexpr size_t kMaxNodes = size_t{1} << 30;
constexpr int64_t kMaxWidth = 1 << 20;

Status invalid(const std::string& what) {
  return error(ErrorCode::ATTRIBUTE_INVALID, "%s", what.c_str());
}

// A list of numbers: floats, or a tensor under the name or the name with "_as_tensor".
Result<std::vector<double>> numbers(const Attributes& attributes, const std::string& name) {
  const auto floats = attributes.get_floats(name);
  if (!floats.empty()) return std::vector<double>(floats.begin(), floats.end());
  ConstantPtr tensor = attributes.get_tensor(name);
  if (!tensor) tensor = attributes.get_tensor(name + "_as_tensor");
  std::vector<double> values;
  if (!tensor) return values;
  const TensorView view = tensor->view();
  if (compute_dtype(view.dtype) == DType::kUndefined) {
    return invalid("attribute '" + name + "' holds no numbers");
  }
  values.resize(static_cast<size_t>(view.elements()));
  convert(DType::kFloat64, values.data(), view.dtype, view.data, 1, view.elements());
  return values;
}

Status check_length(const char* name, size_t length, size_t wanted, bool optional = false) {
  if (length == wanted || (optional && length == 0)) return {};
  return error(ErrorCode::ATTRIBUTE_INVALID, "attribute '%s' has %zu entries instead of %zu", name,
               length, wanted);
}

Status check_index(const char* name, int64_t index, size_t count) {
  if (index >= 0 && static_cast<uint64_t>(index) < count) return {};
  return error(ErrorCode::ATTRIBUTE_INVALID, "attribute '%s' has %lld, which is out of range", name,
               static_cast<long long>(index));
}

bool passes(const TreeModel::Node& node, double value, std::span<const double> members) {
  if (std::isnan(value) && node.missing_is_yes) return true;
  switch (node.test) {
    case TreeTest::kLessEqual:
      return value <= node.split;
    case TreeTest::kLess:
      return value < node.split;
    case TreeTest::kGreaterEqual:
      return value >= node.split;
    case TreeTest::kGreater:
      return value > node.split;
    case TreeTest::kEqual:
      return value == node.split;
    case TreeTest::kNotEqual:
      return value != node.split;
    case TreeTest::kMember:
      break;
  }
  const auto set = members.subspan(node.members, node.members_end - node.members);
  return std::find(set.begin(), set.end(), value) != set.end();
}

// Puts the weights of each leaf together.
void close_leaves(TreeModel& model, size_t leaves) {
  sort_items(model.weights, [](const auto& a, const auto& b) { return a.leaf < b.leaf; });
  size_t at = 0;
  for (size_t leaf = 0; leaf < leaves; ++leaf) {
    while (at < model.weights.size() && model.weights[at].leaf == leaf) ++at;
    model.leaf_ends.push_back(static_cast<uint32_t>(at));
  }
}

Status add_node(TreeModel& model, const TreeModel::Node& node) {
  if (node.feature < 0) return invalid("attribute 'nodes_featureids' has a negative feature");
  model.features = std::max(model.features, node.feature + 1);
  model.nodes.push_back(node);
  return {};
}

// TreeEnsemble: nodes and leaves have places of their own.
Status read_ensemble(const Attributes& attributes, TreeModel& model) {
  const Ints features = attributes.get_ints("nodes_featureids");
  const Ints yes = attributes.get_ints("nodes_truenodeids");
  const Ints no = attributes.get_ints("nodes_falsenodeids");
  const Ints yes_leaf = attributes.get_ints("nodes_trueleafs");
  const Ints no_leaf = attributes.get_ints("nodes_falseleafs");
  const Ints missing = attributes.get_ints("nodes_missing_value_tracks_true");
  const Ints targets = attributes.get_ints("leaf_targetids");
  SX_ASSIGN(const std::vector<double> modes, numbers(attributes, "nodes_modes"));
  SX_ASSIGN(const std::vector<double> splits, numbers(attributes, "nodes_splits"));
  SX_ASSIGN(const std::vector<double> weights, numbers(attributes, "leaf_weights"));
  SX_ASSIGN(model.members, numbers(attributes, "membership_values"));
  const size_t count = features.size();
  SX_TRY(check_length("nodes_truenodeids", yes.size(), count));
  SX_TRY(check_length("nodes_falsenodeids", no.size(), count));
  SX_TRY(check_length("nodes_trueleafs", yes_leaf.size(), count));
  SX_TRY(check_length("nodes_falseleafs", no_leaf.size(), count));
  SX_TRY(check_length("nodes_missing_value_tracks_true", missing.size(), count, true));
  SX_TRY(check_length("nodes_modes", modes.size(), count));
  SX_TRY(check_length("nodes_splits", splits.size(), count));
  SX_TRY(check_length("leaf_weights", weights.size(), targets.size()));
  const auto place = [&](const char* name, int64_t index, bool leaf) -> Result<Place> {
    SX_TRY(check_index(name, index, leaf ? targets.size() : count));
    return static_cast<Place>(index) | (leaf ? TreeModel::kLeaf : 0);
  };
  size_t member = 0;
  for (size_t i = 0; i < count; ++i) {
    TreeModel::Node node;
    node.feature = features[i];
    node.split = splits[i];
    if (!(modes[i] >= 0 && modes[i] <= 6))
      return invalid("attribute 'nodes_modes' has no such mode");
    node.test = static_cast<TreeTest>(static_cast<int>(modes[i]));
    node.missing_is_yes = !missing.empty() && missing[i] != 0;
    SX_ASSIGN(node.yes, place("nodes_truenodeids", yes[i], yes_leaf[i] != 0));
    SX_ASSIGN(node.no, place("nodes_falsenodeids", no[i], no_leaf[i] != 0));
    if (node.test == TreeTest::kMember) {
      // Sets follow each other, a NaN behind each.
      node.members = static_cast<uint32_t>(member);
      while (member < model.members.size() && !std::isnan(model.members[member])) ++member;
      node.members_end = static_cast<uint32_t>(member);
      member = std::min(member + 1, model.members.size());
    }
    SX_TRY(add_node(model, node));
  }
  for (size_t i = 0; i < targets.size(); ++i) {
    SX_TRY(check_index("leaf_targetids", targets[i], static_cast<size_t>(model.width)));
    model.weights.push_back(
        {static_cast<uint32_t>(i), static_cast<uint32_t>(targets[i]), weights[i]});
  }
  close_leaves(model, targets.size());
  for (const int64_t root : attributes.get_ints("tree_roots")) {
    SX_ASSIGN(const Place at, place("tree_roots", root, false));
    model.roots.push_back(at);
  }
  return {};
}

// A node of the older operators is named by its tree and a number in it.
class NodeNames {
 public:
  Status read(Ints trees, Ints nodes) {
    for (size_t i = 0; i < trees.size(); ++i) {
      names_.push_back({{trees[i], nodes[i]}, static_cast<uint32_t>(i)});
    }
    sort_items(names_);
    const auto twice =
        std::adjacent_find(names_.begin(), names_.end(),
                           [](const auto& a, const auto& b) { return a.first == b.first; });
    return twice == names_.end() ? Status() : invalid("a tree has two nodes of one number");
  }
  Result<uint32_t> find(int64_t tree, int64_t node) const {
    const std::pair<std::pair<int64_t, int64_t>, uint32_t> wanted{{tree, node}, 0};
    const auto at = std::lower_bound(names_.begin(), names_.end(), wanted);
    if (at != names_.end() && at->first == wanted.first) return at->second;
    return error(ErrorCode::ATTRIBUTE_INVALID, "tree %lld has no node %lld",
                 static_cast<long long>(tree), static_cast<long long>(node));
  }

 private:
  std::vector<std::pair<std::pair<int64_t, int64_t>, uint32_t>> names_;
};

constexpr std::string_view kModes[] = {"BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE",
                                       "BRANCH_GT",  "BRANCH_EQ", "BRANCH_NEQ"};

Status read_weights(const Attributes& attributes, const std::string& prefix, const NodeNames& names,
                    TreeModel& model) {
  const Ints trees = attributes.get_ints(prefix + "_treeids");
  const Ints nodes = attributes.get_ints(prefix + "_nodeids");
  const Ints ids = attributes.get_ints(prefix + "_ids");
  SX_ASSIGN(const std::vector<double> weights, numbers(attributes, prefix + "_weights"));
  if (trees.size() != ids.size() || nodes.size() != ids.size() || weights.size() != ids.size()) {
    return invalid("attributes '" + prefix + "_…' are not equally long");
  }
  for (size_t i = 0; i < ids.size(); ++i) {
    SX_ASSIGN(const uint32_t leaf, names.find(trees[i], nodes[i]));
    SX_TRY(check_index((prefix + "_ids").c_str(), ids[i], static_cast<size_t>(model.width)));
    model.weights.push_back({leaf, static_cast<uint32_t>(ids[i]), weights[i]});
  }
  return {};
}

// TreeEnsembleRegressor and TreeEnsembleClassifier: leaves are nodes too.
Status read_nodes(const Attributes& attributes, TreeModel& model) {
  const Ints trees = attributes.get_ints("nodes_treeids");
  const Ints ids = attributes.get_ints("nodes_nodeids");
  const Ints features = attributes.get_ints("nodes_featureids");
  const Ints yes = attributes.get_ints("nodes_truenodeids");
  const Ints no = attributes.get_ints("nodes_falsenodeids");
  const Ints missing = attributes.get_ints("nodes_missing_value_tracks_true");
  const auto modes = attributes.get_strings("nodes_modes");
  SX_ASSIGN(const std::vector<double> splits, numbers(attributes, "nodes_values"));
  const size_t count = trees.size();
  SX_TRY(check_length("nodes_nodeids", ids.size(), count));
  SX_TRY(check_length("nodes_featureids", features.size(), count));
  SX_TRY(check_length("nodes_truenodeids", yes.size(), count));
  SX_TRY(check_length("nodes_falsenodeids", no.size(), count));
  SX_TRY(check_length("nodes_missing_value_tracks_true", missing.size(), count, true));
  SX_TRY(check_length("nodes_modes", modes.size(), count));
  SX_TRY(check_length("nodes_values", splits.size(), count));
  NodeNames names;
  SX_TRY(names.read(trees, ids));
  const auto place = [&](int64_t tree, int64_t id) -> Result<Place> {
    SX_ASSIGN(const uint32_t at, names.find(tree, id));
    return at | (modes[at] == "LEAF" ? TreeModel::kLeaf : 0);
  };
  std::vector<bool> is_child(count, false);
  for (size_t i = 0; i < count; ++i) {
    TreeModel::Node node;
    if (modes[i] != "LEAF") {
      const auto mode = std::find(std::begin(kModes), std::end(kModes), modes[i]);
      if (mode == std::end(kModes))
        return invalid("attribute 'nodes_modes' has '" + modes[i] + "'");
      node.test = static_cast<TreeTest>(mode - std::begin(kModes));
      node.feature = features[i];
      node.split = splits[i];
      node.missing_is_yes = !missing.empty() && missing[i] != 0;
      SX_ASSIGN(node.yes, place(trees[i], yes[i]));
      SX_ASSIGN(node.no, place(trees[i], no[i]));
      is_child[node.yes & ~TreeModel::kLeaf] = is_child[node.no & ~TreeModel::kLeaf] = true;
    }
    SX_TRY(add_node(model, node));
  }
  for (size_t i = 0; i < count; ++i) {
    if (is_child[i]) continue;
    model.roots.push_back(static_cast<Place>(i) | (modes[i] == "LEAF" ? TreeModel::kLeaf : 0));
  }
  const bool classes = attributes.has("class_ids");
  SX_TRY(read_weights(attributes, classes ? "class" : "target", names, model));
  close_leaves(model, count);
  return {};
}

// The walk from every node ends: no place is reached twice on one way down.
Status check_acyclic(const TreeModel& model) {
  std::vector<uint8_t> seen(model.nodes.size(), 0);  // 1: on the way down, 2: done
  std::vector<std::pair<Place, int>> way;
  for (Place start = 0; start < model.nodes.size(); ++start) {
    way.push_back({start, 0});
    while (!way.empty()) {
      auto& [place, next] = way.back();
      if (next == 2 || seen[place] == 2) {
        seen[place] = 2;
        way.pop_back();
        continue;
      }
      const Place child = next++ == 0 ? model.nodes[place].yes : model.nodes[place].no;
      seen[place] = 1;
      if (child & TreeModel::kLeaf) continue;
      if (seen[child] == 1) return invalid("the nodes of a tree form a cycle");
      way.push_back({child, 0});
    }
  }
  return {};
}

Result<TreeModel::Sum> read_sum(const Attributes& attributes, bool ensemble) {
  constexpr std::string_view kNames[] = {"AVERAGE", "SUM", "MIN", "MAX"};
  const std::string_view name = attributes.get_string("aggregate_function", "SUM");
  const int64_t number = attributes.get_int("aggregate_function", 1);
  for (int i = 0; i < 4; ++i) {
    if (ensemble ? number == i : name == kNames[i]) return static_cast<TreeModel::Sum>(i);
  }
  return invalid("attribute 'aggregate_function' is not known");
}

}  // namespace

uint32_t TreeModel::leaf_of(Place place, std::span<const double> row) const {
  while (!(place & kLeaf)) {
    const Node& node = nodes[place];
    place = passes(node, row[static_cast<size_t>(node.feature)], members) ? node.yes : node.no;
  }
  return place & ~kLeaf;
}

void TreeModel::score(std::span<const double> row, std::span<double> scores) const {
  std::fill(scores.begin(), scores.end(), 0.0);
  std::vector<bool> has(sum == Sum::kMin || sum == Sum::kMax ? scores.size() : 0, false);
  for (const Place root : roots) {
    const uint32_t leaf = leaf_of(root, row);
    for (size_t i = leaf ? leaf_ends[leaf - 1] : 0; i < leaf_ends[leaf]; ++i) {
      double& score = scores[weights[i].target];
      const double value = weights[i].value;
      if (has.empty()) {
        score += value;
      } else if (!has[weights[i].target] || (sum == Sum::kMin ? value < score : value > score)) {
        score = value;
        has[weights[i].target] = true;
      }
    }
  }
  for (size_t i = 0; i < scores.size(); ++i) {
    if (sum == Sum::kAverage && !roots.empty()) scores[i] /= static_cast<double>(roots.size());
    if (!base.empty()) scores[i] += base[i];
  }
}

Result<int64_t> tree_width(const Attributes& attributes) {
  const size_t labels = std::max(attributes.get_strings("classlabels_strings").size(),
                                 attributes.get_ints("classlabels_int64s").size());
  const int64_t width = labels ? static_cast<int64_t>(labels) : attributes.get_int("n_targets", 1);
  if (width < 1 || width > kMaxWidth) return invalid("attribute 'n_targets' is out of range");
  return width;
}

Result<TreeModel> read_trees(const Attributes& attributes) {
  TreeModel model;
  SX_ASSIGN(model.width, tree_width(attributes));
  const bool ensemble = attributes.has("tree_roots");
  SX_ASSIGN(model.sum, read_sum(attributes, ensemble));
  if (attributes.get_ints("nodes_featureids").size() > kMaxNodes) return invalid("too many nodes");
  SX_TRY(ensemble ? read_ensemble(attributes, model) : read_nodes(attributes, model));
  SX_ASSIGN(model.base, numbers(attributes, "base_values"));
  if (model.base.size() == 1) model.base.resize(static_cast<size_t>(model.width), model.base[0]);
  SX_TRY(check_length("base_values", model.base.size(), static_cast<size_t>(model.width), true));
  SX_TRY(check_acyclic(model));
  return model;
}

}  // namespace sardonyx::ops
