// Einsum: sums of products, by the loops that the equation stands for.
#include "ops/convert.h"
#include "ops/einsum_equation.h"
#include "ops/element.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "simd/parallel.h"

namespace sardonyx::ops {
namespace {

constexpr double kNsPerProduct = 2;

Result<EinsumLoops> loops_of(const Attributes& attributes, std::span<const TensorView> inputs) {
  std::array<const Shape*, kMaxEinsumOperands> shapes{};
  for (size_t i = 0; i < inputs.size(); ++i) shapes[i] = &inputs[i].shape;
  return einsum_loops(attributes.get_string("equation", ""),
                      std::span(shapes).first(inputs.size()));
}

using Offsets = std::array<int64_t, kMaxEinsumOperands>;

// One element of the output. T is double or uint64_t, in which integers wrap.
template <typename T>
class SumOfProducts {
 public:
  SumOfProducts(const EinsumLoops& loops, std::span<const TensorView> inputs)
      : loops_(loops), inputs_(inputs) {}

  T at(int64_t element) const {
    Offsets offsets{};
    for (int j = loops_.outer - 1; j >= 0; --j) {
      const int64_t dim = loops_.dims[static_cast<size_t>(j)];
      advance(offsets, j, element % dim);
      element /= dim;
    }
    T total = 0;
    add(loops_.outer, offsets, total);
    return total;
  }

 private:
  void advance(Offsets& offsets, int loop, int64_t by) const {
    for (int i = 0; i < loops_.operands; ++i) {
      offsets[static_cast<size_t>(i)] += by * stride(i, loop);
    }
  }
  int64_t stride(int operand, int loop) const {
    return loops_.strides[static_cast<size_t>(operand)][static_cast<size_t>(loop)];
  }

  // At most kMaxEinsumLoops deep.
  void add(int loop, Offsets offsets, T& total) const {
    if (loop == loops_.count) {
      total += product(offsets);
      return;
    }
    if (loop == loops_.count - 1 && add_row(loop, offsets, total)) return;
    for (int64_t i = loops_.dims[static_cast<size_t>(loop)]; i > 0; --i) {
      add(loop + 1, offsets, total);
      advance(offsets, loop, 1);
    }
  }

  // The innermost loop over one or two operands of float32; false for others.
  bool add_row(int loop, const Offsets& offsets, T& total) const {
    if (loops_.operands > 2 || inputs_[0].dtype != DType::kFloat32) return false;
    const int64_t count = loops_.dims[static_cast<size_t>(loop)];
    if (count == 0) return true;
    const bool single = loops_.operands == 1;
    const float one = 1;
    const float* a = inputs_[0].as<const float>() + offsets[0];
    const float* b = single ? &one : inputs_[1].as<const float>() + offsets[1];
    const int64_t a_step = stride(0, loop);
    const int64_t b_step = single ? 0 : stride(1, loop);
    double sum = 0;
    for (int64_t i = 0; i < count; ++i) {
      sum += double{a[i * a_step]} * double{b[i * b_step]};
    }
    total += static_cast<T>(sum);
    return true;
  }

  T product(const Offsets& offsets) const {
    T out = 1;
    for (size_t i = 0; i < inputs_.size(); ++i) out *= load(inputs_[i], offsets[i]);
    return out;
  }

  static T load(const TensorView& x, int64_t i) {
    if constexpr (std::is_same_v<T, double>) {
      if (x.dtype == DType::kFloat32) return double{x.as<const float>()[i]};
    }
    T out = 0;
    convert(kDTypeOf<T>, &out, x.dtype, element_address(x, i), 1, 1);
    return out;
  }

  const EinsumLoops& loops_;
  std::span<const TensorView> inputs_;
};

template <typename T>
Status sum_all(const EinsumLoops& loops, const RunContext& context) {
  const TensorView& y = context.outputs[0];
  double products = 1;
  for (int j = loops.outer; j < loops.count; ++j) {
    products *= static_cast<double>(loops.dims[static_cast<size_t>(j)]);
  }
  const SumOfProducts<T> sum(loops, context.inputs);
  return simd::parallel_for(y.elements(), simd::grain_for(kNsPerProduct * (products + 4)),
                            [&](int64_t begin, int64_t end) {
                              for (int64_t i = begin; i < end; ++i) {
                                const T total = sum.at(i);
                                convert(y.dtype, element_address(y, i), kDTypeOf<T>, &total, 1, 1);
                              }
                            });
}

Status run_einsum(const Attributes& attributes, const RunContext& context) {
  SX_ASSIGN(const EinsumLoops loops, loops_of(attributes, context.inputs));
  const DType compute = compute_dtype(context.outputs[0].dtype);
  const bool floats = compute == DType::kFloat32 || compute == DType::kFloat64;
  return floats ? sum_all<double>(loops, context) : sum_all<uint64_t>(loops, context);
}

}  // namespace

Status infer_einsum(InferContext& context) {
  SX_TRY(check_arity(context, 1, kMaxEinsumOperands));
  SX_TRY(check_arity(context, context.inputs.size(), kMaxEinsumOperands));
  const DType dtype = context.inputs[0].dtype;
  if (compute_dtype(dtype) == DType::kUndefined) return unsupported_dtype(dtype);
  context.set_output_unknown(0, dtype);
  std::array<TensorView, kMaxEinsumOperands> views{};
  for (size_t i = 0; i < context.inputs.size(); ++i) {
    SX_TRY(check_same_dtype(context, 0, i));
    views[i].shape = context.inputs[i].shape;
  }
  for (const ValueFacts& input : context.inputs) {
    if (!input.has_shape) return {};
  }
  SX_ASSIGN(const EinsumLoops loops,
            loops_of(context.attributes, std::span(views).first(context.inputs.size())));
  context.set_output(0, dtype, loops.output());
  return {};
}

Result<KernelPtr> make_einsum(const KernelInit& init) {
  return stateless(init, run_einsum);
}

}  // namespace sardonyx::ops
