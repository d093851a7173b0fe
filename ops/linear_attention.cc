// LinearAttention: a matrix per head of keys and values that each token fades, corrects, adds to
// and reads.
#include <algorithm>
#include <cmath>

#include "ops/operator.h"
#include "ops/scratch.h"
#include "ops/shape_rule.h"
#include "ops/widened.h"
#include "simd/parallel.h"

namespace sardonyx::ops {
namespace {

enum Input : size_t { kQuery, kKey, kValue, kPast, kDecay, kBeta, kErase };

struct Rule {
  bool gated = false, delta = false;
};

Result<Rule> rule_of(const Attributes& attributes) {
  const std::string_view name = attributes.get_string("update_rule", "gated_delta");
  if (name == "linear") return Rule{};
  if (name == "gated") return Rule{.gated = true};
  if (name == "delta") return Rule{.delta = true};
  if (name == "gated_delta") return Rule{.gated = true, .delta = true};
  return error(ErrorCode::ATTRIBUTE_INVALID, "update_rule is '%s'", std::string(name).c_str());
}

struct Dims {
  int64_t batch, tokens, q_heads, heads, k_size, v_size;
  int64_t decays;  // per head: 1, or k_size
  int64_t betas;   // of a token: heads, or 1
};

// One head of one batch entry. state is [k_size, v_size].
struct Head {
  const Dims& d;
  Rule rule;
  float scale;
  const float *q, *k, *v, *decay, *beta, *erase;  // of the first token
  float *state, *change, *y;

  void fade(int64_t token) const {
    const float* decays = decay + token * d.heads * d.decays;
    for (int64_t i = 0; i < d.k_size; ++i) {
      const float factor = std::exp(decays[d.decays == 1 ? 0 : i]);
      float* row = state + i * d.v_size;
      for (int64_t j = 0; j < d.v_size; ++j) row[j] *= factor;
    }
  }
  void write(int64_t token) const {
    const float* key = k + token * d.heads * d.k_size;
    std::copy_n(v + token * d.heads * d.v_size, d.v_size, change);
    if (rule.delta) {
      for (int64_t i = 0; i < d.k_size; ++i) {
        const float* row = state + i * d.v_size;
        const float known = erase ? key[i] * erase[token * d.heads * d.k_size + i] : key[i];
        for (int64_t j = 0; j < d.v_size; ++j) change[j] -= known * row[j];
      }
      const float rate = beta[token * d.betas];
      for (int64_t j = 0; j < d.v_size; ++j) change[j] *= rate;
    }
    for (int64_t i = 0; i < d.k_size; ++i) {
      float* row = state + i * d.v_size;
      for (int64_t j = 0; j < d.v_size; ++j) row[j] += key[i] * change[j];
    }
  }
  void read(int64_t token) const {
    for (int64_t g = 0; g < d.q_heads / d.heads; ++g) {
      const float* query = q + (token * d.q_heads + g) * d.k_size;
      float* out = y + (token * d.q_heads + g) * d.v_size;
      std::fill_n(out, d.v_size, 0.0f);
      for (int64_t i = 0; i < d.k_size; ++i) {
        const float factor = scale * query[i];
        const float* row = state + i * d.v_size;
        for (int64_t j = 0; j < d.v_size; ++j) out[j] += factor * row[j];
      }
    }
  }
};

struct Plan final : StepPlan {
  size_t changes = 0, states = 0;
};

class LinearAttentionKernel final : public Kernel {
 public:
  LinearAttentionKernel(const Attributes& attributes, Rule rule)
      : attributes_(attributes), rule_(rule) {}

  Status bind(BindContext& context) const override {
    const Dims d = dims(context.inputs);
    auto plan = std::make_unique<Plan>();
    ScratchLayout scratch;
    const auto heads = checked_mul(d.batch, d.heads);
    const auto values = heads ? checked_mul(*heads, d.v_size) : heads;
    SX_ASSIGN(plan->changes, scratch.add_floats(values));
    if (context.outputs.size() < 2 || !context.outputs[1].present()) {
      SX_ASSIGN(plan->states, scratch.add_floats(values ? checked_mul(*values, d.k_size) : values));
    }
    context.scratch_bytes = scratch.bytes();
    context.plan = std::move(plan);
    return {};
  }

  Status run(const RunContext& context) const override {
    const Plan& plan = *static_cast<const Plan*>(context.plan);
    const Dims d = dims(context.inputs);
    float scale = attributes_.get_float("scale", 0.0f);
    if (scale == 0) scale = 1 / std::sqrt(static_cast<float>(d.k_size));
    auto* states = context.has_output(1) ? context.outputs[1].as<float>()
                                         : reinterpret_cast<float*>(context.scratch + plan.states);
    auto* changes = reinterpret_cast<float*>(context.scratch + plan.changes);
    // Null when it is absent or has no elements.
    const auto input = [&](size_t i, int64_t offset) -> const float* {
      const auto* data = context.has_input(i) ? context.inputs[i].as<const float>() : nullptr;
      return data ? data + offset : nullptr;
    };
    auto* y = context.outputs[0].as<float>();
    const int64_t state_size = d.k_size * d.v_size;
    const double ns_per_head =
        1.5 * static_cast<double>(state_size) * static_cast<double>(d.tokens);
    return simd::parallel_for(
        d.batch * d.heads, simd::grain_for(ns_per_head), [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            const int64_t first = i / d.heads * d.tokens, h = i % d.heads;
            const int64_t group = h * (d.q_heads / d.heads);
            float* state = states + i * state_size;
            if (context.has_input(kPast)) {
              std::copy_n(input(kPast, i * state_size), state_size, state);
            } else {
              std::fill_n(state, state_size, 0.0f);
            }
            const Head head{.d = d,
                            .rule = rule_,
                            .scale = scale,
                            .q = input(kQuery, (first * d.q_heads + group) * d.k_size),
                            .k = input(kKey, (first * d.heads + h) * d.k_size),
                            .v = input(kValue, (first * d.heads + h) * d.v_size),
                            .decay = input(kDecay, (first * d.heads + h) * d.decays),
                            .beta = input(kBeta, first * d.betas + (d.betas == 1 ? 0 : h)),
                            .erase = input(kErase, (first * d.heads + h) * d.k_size),
                            .state = state,
                            .change = changes + i * d.v_size,
                            .y = y ? y + (first * d.q_heads + group) * d.v_size : nullptr};
            for (int64_t token = 0; token < d.tokens; ++token) {
              if (rule_.gated) head.fade(token);
              head.write(token);
              head.read(token);
            }
          }
        });
  }
  std::string_view name() const override { return "linear_attention"; }

 private:
  Dims dims(std::span<const TensorView> inputs) const {
    const Shape& q = inputs[kQuery].shape;
    Dims d{};
    d.batch = q[0];
    d.tokens = q[1];
    d.q_heads = attributes_.get_int("q_num_heads", 0);
    d.heads = attributes_.get_int("kv_num_heads", 0);
    d.k_size = q[2] / d.q_heads;
    d.v_size = inputs[kValue].shape[2] / d.heads;
    d.decays =
        inputs.size() > kDecay && inputs[kDecay].present() ? inputs[kDecay].shape[2] / d.heads : 1;
    d.betas = inputs.size() > kBeta && inputs[kBeta].present() ? inputs[kBeta].shape[2] : 1;
    return d;
  }

  const Attributes& attributes_;
  Rule rule_;
};

Status check_shapes(const InferContext& context, int64_t q_heads, int64_t heads) {
  const Shape& q = context.inputs[kQuery].shape;
  const int64_t k_size = q.rank() == 3 ? q[2] / q_heads : 0;
  const Shape& v = context.inputs[kValue].shape;
  const int64_t v_size = v.rank() == 3 ? v[2] / heads : 0;
  const auto is = [&](size_t i, std::initializer_list<int64_t> widths) {
    if (!context.has_input(i)) return true;
    const Shape& shape = context.inputs[i].shape;
    if (shape.rank() != 3 || shape[0] != q[0] || shape[1] != q[1]) return false;
    return std::find(widths.begin(), widths.end(), shape[2]) != widths.end();
  };
  const bool fits = q.rank() == 3 && k_size > 0 && v_size > 0 && is(kQuery, {q_heads * k_size}) &&
                    is(kKey, {heads * k_size}) && is(kValue, {heads * v_size}) &&
                    is(kDecay, {heads, heads * k_size}) && is(kBeta, {heads, 1}) &&
                    is(kErase, {heads * k_size});
  const bool past_fits = !context.has_input(kPast) || !fits ||
                         context.inputs[kPast].shape == Shape{q[0], heads, k_size, v_size};
  if (fits && past_fits) return {};
  return error(ErrorCode::SHAPE_MISMATCH,
               "query %s, key %s and value %s, or what goes with them, do "
               "not fit %lld heads and %lld heads of keys",
               q.to_string().c_str(), context.inputs[kKey].shape.to_string().c_str(),
               v.to_string().c_str(), static_cast<long long>(q_heads),
               static_cast<long long>(heads));
}

}  // namespace

Status infer_linear_attention(InferContext& context) {
  SX_TRY(check_arity(context, 3, 7, 2));
  const std::initializer_list<DType> dtypes = {DType::kFloat32, DType::kFloat16, DType::kBfloat16};
  SX_TRY(check_dtype(context, kQuery, dtypes));
  SX_TRY(check_dtype(context, kPast, dtypes));
  for (size_t i : {kKey, kValue, kDecay, kBeta, kErase})
    SX_TRY(check_same_dtype(context, kQuery, i));
  SX_ASSIGN(const Rule rule, rule_of(context.attributes));
  if (rule.gated != context.has_input(kDecay) || rule.delta != context.has_input(kBeta) ||
      (context.has_input(kErase) && !rule.delta)) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "decay, beta or erase_gate do not fit update_rule");
  }
  if (context.attributes.get_int("state_window", 0) != 0) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "state_window is not supported");
  }
  const int64_t q_heads = context.attributes.get_int("q_num_heads", 0);
  const int64_t heads = context.attributes.get_int("kv_num_heads", 0);
  constexpr int64_t kMost = 1 << 20;
  if (heads <= 0 || q_heads <= 0 || q_heads > kMost || q_heads % heads != 0) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "q_num_heads is %lld, kv_num_heads %lld",
                 static_cast<long long>(q_heads), static_cast<long long>(heads));
  }
  bool known = true;
  for (size_t i = 0; i < context.inputs.size(); ++i) {
    known = known && (!context.has_input(i) || context.inputs[i].is_static());
  }
  const DType dtype = context.inputs[kQuery].dtype;
  const DType state = context.has_input(kPast) ? context.inputs[kPast].dtype : dtype;
  if (!known) {
    context.set_output_unknown(0, dtype);
    if (context.has_output(1)) context.set_output_unknown(1, state);
    return {};
  }
  SX_TRY(check_shapes(context, q_heads, heads));
  const Shape& q = context.inputs[kQuery].shape;
  const int64_t v_size = context.inputs[kValue].shape[2] / heads;
  const auto width = checked_mul(q_heads, v_size);
  if (!width) return error(ErrorCode::LIMIT_EXCEEDED, "the output is too large");
  context.set_output(0, dtype, {q[0], q[1], *width});
  if (context.has_output(1)) {
    context.set_output(1, state, {q[0], heads, q[2] / q_heads, v_size});
  }
  return {};
}

Result<KernelPtr> make_linear_attention(const KernelInit& init) {
  return widened(init, [](const KernelInit& wide) -> Result<KernelPtr> {
    SX_ASSIGN(const Rule rule, rule_of(wide.attributes));
    return KernelPtr(std::make_unique<LinearAttentionKernel>(wide.attributes, rule));
  });
}

}  // namespace sardonyx::ops
