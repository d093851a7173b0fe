// Bernoulli, Multinomial, RandomUniform, RandomNormal and their Like forms.
#include <cmath>

#include "ops/convert.h"
#include "ops/element.h"
#include "ops/numpy_random.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

// A node with a seed gives the same numbers in every run, others new ones.
RandomState generator_of(const Attributes& attributes) {
  if (!attributes.has("seed")) return RandomState(RandomState::fresh_seed());
  const double seed = attributes.get_float("seed", 0);
  uint32_t whole = 0;
  convert(DType::kUint32, &whole, DType::kFloat64, &seed, 1, 1);
  return RandomState(whole);
}

Status run_uniform(const Attributes& attributes, const RunContext& context) {
  const double low = attributes.get_float("low", 0);
  const double high = attributes.get_float("high", 1);
  RandomState generator = generator_of(attributes);
  const int64_t count = context.outputs[0].elements();
  for (int64_t i = 0; i < count; ++i) {
    store_double(context.outputs[0], i, low + (high - low) * generator.uniform());
  }
  return {};
}

Status run_normal(const Attributes& attributes, const RunContext& context) {
  const double mean = attributes.get_float("mean", 0);
  const double scale = attributes.get_float("scale", 1);
  RandomState generator = generator_of(attributes);
  const int64_t count = context.outputs[0].elements();
  for (int64_t i = 0; i < count; ++i) {
    store_double(context.outputs[0], i, mean + scale * generator.normal());
  }
  return {};
}

Status run_bernoulli(const Attributes& attributes, const RunContext& context) {
  RandomState generator = generator_of(attributes);
  const int64_t count = context.outputs[0].elements();
  for (int64_t i = 0; i < count; ++i) {
    store_double(context.outputs[0], i,
                 generator.uniform() < load_double(context.inputs[0], i) ? 1 : 0);
  }
  return {};
}

// Rows of unnormalised log probabilities; the largest of them plus Gumbel noise is a sample.
Status run_multinomial(const Attributes& attributes, const RunContext& context) {
  const TensorView& x = context.inputs[0];
  const TensorView& y = context.outputs[0];
  const int64_t classes = x.shape[1];
  const int64_t samples = y.shape[1];
  RandomState generator = generator_of(attributes);
  for (int64_t i = 0; i < y.elements(); ++i) {
    int64_t best = 0;
    double best_score = 0;
    for (int64_t c = 0; c < classes; ++c) {
      const double noise = -std::log(-std::log(generator.uniform() + 0x1p-54));
      const double score = load_double(x, i / samples * classes + c) + noise;
      if (c > 0 && !(score > best_score)) continue;
      best = c;
      best_score = score;
    }
    store_double(y, i, static_cast<double>(best));
  }
  return {};
}

// What the attribute says, else the input's dtype if there is one.
Status set_random_dtype(InferContext& context, DType fallback, bool floats, DType& dtype) {
  SX_ASSIGN(dtype, dtype_attribute(context.attributes, "dtype", fallback));
  const DType compute = compute_dtype(dtype);
  const bool is_float = compute == DType::kFloat32 || compute == DType::kFloat64;
  return is_float || (!floats && compute != DType::kUndefined) ? Status()
                                                               : unsupported_dtype(dtype);
}

Status infer_random(InferContext& context) {
  SX_TRY(check_arity(context, 0, 0));
  DType dtype = DType::kFloat32;
  SX_TRY(set_random_dtype(context, DType::kFloat32, true, dtype));
  Shape shape;
  for (int64_t dim : context.attributes.get_ints("shape")) {
    if (dim < 0 || !shape.push_back(dim)) {
      return error(ErrorCode::ATTRIBUTE_INVALID,
                   "attribute 'shape' has a negative dim, or more than %d dims", kMaxRank);
    }
  }
  context.set_output(0, dtype, shape);
  return {};
}

Status infer_like(InferContext& context, bool floats) {
  SX_TRY(check_arity(context, 1, 1));
  const ValueFacts& x = context.inputs[0];
  DType dtype = x.dtype;
  SX_TRY(set_random_dtype(context, x.dtype, floats, dtype));
  context.outputs[0] = {dtype, x.has_shape, x.shape, nullptr};
  return {};
}

}  // namespace

Status infer_random_uniform(InferContext& context) {
  return infer_random(context);
}
Status infer_random_normal(InferContext& context) {
  return infer_random(context);
}
Status infer_random_uniform_like(InferContext& context) {
  return infer_like(context, true);
}
Status infer_random_normal_like(InferContext& context) {
  return infer_like(context, true);
}

Status infer_bernoulli(InferContext& context) {
  SX_TRY(check_dtype(context, 0,
                     {DType::kFloat32, DType::kFloat64, DType::kFloat16, DType::kBfloat16}));
  return infer_like(context, false);
}

Status infer_multinomial(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  SX_TRY(check_dtype(context, 0,
                     {DType::kFloat32, DType::kFloat64, DType::kFloat16, DType::kBfloat16}));
  SX_ASSIGN(const DType dtype, dtype_attribute(context.attributes, "dtype", DType::kInt32));
  if (dtype != DType::kInt32 && dtype != DType::kInt64) return unsupported_dtype(dtype);
  const int64_t samples = context.attributes.get_int("sample_size", 1);
  if (samples < 1) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "attribute 'sample_size' is %lld",
                 static_cast<long long>(samples));
  }
  const ValueFacts& x = context.inputs[0];
  if (x.has_shape && (x.shape.rank() != 2 || x.shape[1] == 0)) {
    return error(ErrorCode::SHAPE_MISMATCH, "probabilities of shape %s",
                 x.shape.to_string().c_str());
  }
  context.set_output(0, dtype, {x.has_shape ? x.shape[0] : kUnknownDim, samples});
  return {};
}

Result<KernelPtr> make_random_uniform(const KernelInit& init) {
  return stateless(init, run_uniform);
}
Result<KernelPtr> make_random_normal(const KernelInit& init) {
  return stateless(init, run_normal);
}
Result<KernelPtr> make_random_uniform_like(const KernelInit& init) {
  return stateless(init, run_uniform);
}
Result<KernelPtr> make_random_normal_like(const KernelInit& init) {
  return stateless(init, run_normal);
}
Result<KernelPtr> make_bernoulli(const KernelInit& init) {
  return stateless(init, run_bernoulli);
}
Result<KernelPtr> make_multinomial(const KernelInit& init) {
  return stateless(init, run_multinomial);
}

}  // namespace sardonyx::ops
