// TreeScores: what the trees of a TreeEnsemble, TreeEnsembleRegressor or TreeEnsembleClassifier add
// up to, for each row and target. The functions that these are read its attributes as they come.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "ops/convert.h"
#include "ops/shape_rule.h"
#include "ops/tree_model.h"
#include "simd/parallel.h"

namespace sardonyx::ops {
namespace {

constexpr int64_t kGrain = 16;  // rows per chunk

class TreeScoresKernel final : public Kernel {
 public:
  explicit TreeScoresKernel(TreeModel model) : model_(std::move(model)) {}

  Status run(const RunContext& context) const override {
    const TensorView& x = context.inputs[0];
    const TensorView& y = context.outputs[0];
    const int64_t columns = x.shape[x.shape.rank() - 1];
    if (model_.features > columns) {
      return error(ErrorCode::SHAPE_MISMATCH, "the trees look at feature %lld, a row has %lld",
                   static_cast<long long>(model_.features - 1), static_cast<long long>(columns));
    }
    return simd::parallel_for(y.shape[0], kGrain, [&](int64_t begin, int64_t end) {
      std::vector<double> row(static_cast<size_t>(columns));
      std::vector<double> scores(static_cast<size_t>(model_.width));
      const auto width = static_cast<size_t>(dtype_bits(x.dtype)) / 8;
      for (int64_t r = begin; r < end; ++r) {
        convert(DType::kFloat64, row.data(), x.dtype,
                x.as<const uint8_t>() + static_cast<size_t>(r * columns) * width, 1, columns);
        model_.score(row, scores);
        convert(y.dtype, y.as<uint8_t>() + r * model_.width * (dtype_bits(y.dtype) / 8),
                DType::kFloat64, scores.data(), 1, model_.width);
      }
    });
  }

 private:
  TreeModel model_;
};

}  // namespace

Status infer_tree_scores(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  SX_TRY(check_dtype(
      context, 0,
      {DType::kFloat32, DType::kFloat64, DType::kFloat16, DType::kInt32, DType::kInt64}));
  const ValueFacts& x = context.inputs[0];
  const DType dtype =
      x.dtype == DType::kFloat64 || x.dtype == DType::kFloat16 ? x.dtype : DType::kFloat32;
  context.set_output_unknown(0, dtype);
  SX_ASSIGN(const int64_t width, tree_width(context.attributes));
  if (!x.has_shape) return {};
  if (x.shape.rank() < 1 || x.shape.rank() > 2) {
    return error(ErrorCode::SHAPE_MISMATCH, "shape %s: must be [C] or [N,C]",
                 x.shape.to_string().c_str());
  }
  context.set_output(0, dtype, {x.shape.rank() == 2 ? x.shape[0] : 1, width});
  return {};
}

Result<KernelPtr> make_tree_scores(const KernelInit& init) {
  SX_ASSIGN(TreeModel model, read_trees(init.attributes));
  return KernelPtr(std::make_unique<TreeScoresKernel>(std::move(model)));
}

}  // namespace sardonyx::ops
