// Reductions over axes: axes as an attribute until opset 12 (ReduceSum) or 17, as an input since.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "ops/convert.h"
#include "ops/element.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"
#include "ops/strided.h"
#include "simd/parallel.h"
#include "simd/reduce.h"

namespace sardonyx::ops {
namespace {

// One accumulator step in double or int64, and what makes the result of it.
struct ReduceSpec {
  const char* name;
  int axes_are_inputs;  // since this opset
  double f64_start = 0;
  double (*f64_step)(double, double) = nullptr;
  double (*f64_end)(double, int64_t) = nullptr;
  int64_t i64_start = 0;                            // read only with i64_step
  int64_t (*i64_step)(int64_t, int64_t) = nullptr;  // null: integers are reduced in double
  // Contiguous float32 elements at once; null where there is no kernel.
  float (*f32_span)(const float*, int64_t) = nullptr;
  // Results side by side, as simd::reduce_sum_columns(); null where there is no kernel.
  void (*f32_columns)(const float*, int64_t, int64_t, float*, int64_t) = nullptr;
};

constexpr double kInf = std::numeric_limits<double>::infinity();

double add(double a, double b) {
  return a + b;
}
double add_square(double a, double b) {
  return a + b * b;
}
double keep(double a, int64_t) {
  return a;
}
int64_t wrapping_add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
int64_t wrapping_mul(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

constexpr ReduceSpec kSum = {
    "reduce_sum", 13, 0, add, keep, 0, wrapping_add, simd::reduce_sum, simd::reduce_sum_columns};
constexpr ReduceSpec kMean = {
    "reduce_mean",
    18,
    0,
    add,
    [](double a, int64_t n) { return a / static_cast<double>(n); },
    0,
    nullptr,
    [](const float* x, int64_t n) { return simd::reduce_sum(x, n) / static_cast<float>(n); },
    [](const float* x, int64_t count, int64_t stride, float* y, int64_t n) {
      simd::reduce_sum_columns(x, count, stride, y, n);
      for (int64_t i = 0; i < n; ++i) y[i] /= static_cast<float>(count);
    }};
constexpr ReduceSpec kMax = {"reduce_max",
                             18,
                             -kInf,
                             [](double a, double b) { return b > a || b != b ? b : a; },
                             keep,
                             INT64_MIN,
                             [](int64_t a, int64_t b) { return a > b ? a : b; },
                             simd::reduce_max};
constexpr ReduceSpec kMin = {"reduce_min",
                             18,
                             kInf,
                             [](double a, double b) { return b < a || b != b ? b : a; },
                             keep,
                             INT64_MAX,
                             [](int64_t a, int64_t b) { return a < b ? a : b; },
                             simd::reduce_min};
constexpr ReduceSpec kProd = {
    "reduce_prod", 18, 1, [](double a, double b) { return a * b; }, keep, 1, wrapping_mul, nullptr};
constexpr ReduceSpec kL1 = {
    "reduce_l1",
    18,
    0,
    [](double a, double b) { return a + std::fabs(b); },
    keep,
    0,
    [](int64_t a, int64_t b) { return wrapping_add(a, b < 0 ? wrapping_mul(b, -1) : b); },
    simd::reduce_sum_abs};
constexpr ReduceSpec kSumSquare = {
    "reduce_sum_square",
    18,
    0,
    add_square,
    keep,
    0,
    [](int64_t a, int64_t b) { return wrapping_add(a, wrapping_mul(b, b)); },
    simd::reduce_sum_squares};
constexpr ReduceSpec kL2 = {
    "reduce_l2",
    18,
    0,
    add_square,
    [](double a, int64_t) { return std::sqrt(a); },
    0,
    nullptr,
    [](const float* x, int64_t n) { return std::sqrt(simd::reduce_sum_squares(x, n)); }};
constexpr ReduceSpec kLogSum = {.name = "reduce_log_sum",
                                .axes_are_inputs = 18,
                                .f64_step = add,
                                .f64_end = [](double a, int64_t) { return std::log(a); }};
// log(exp(a) + exp(b)), of infinities too.
double log_add(double a, double b) {
  if (a == b) return a + std::numbers::ln2;
  const double top = a > b || a != a ? a : b;
  return top + std::log1p(std::exp(-std::fabs(a - b)));
}
constexpr ReduceSpec kLogSumExp = {.name = "reduce_log_sum_exp",
                                   .axes_are_inputs = 18,
                                   .f64_start = -kInf,
                                   .f64_step = log_add,
                                   .f64_end = keep};

// Which axes are reduced, and how the output is walked.
struct Plan {
  Shape kept, reduced;  // dims
  std::array<int64_t, kMaxRank> kept_strides{}, reduced_strides{};
  int64_t count = 1;        // elements per result
  bool contiguous = false;  // the reduced elements of one result lie side by side
};

Plan make_plan(const Shape& shape, uint32_t mask) {
  const auto strides = dense_strides(shape);
  Plan plan;
  plan.contiguous = true;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const bool reduce = mask >> axis & 1;
    Shape& dims = reduce ? plan.reduced : plan.kept;
    auto& out = reduce ? plan.reduced_strides : plan.kept_strides;
    out[static_cast<size_t>(dims.rank())] = strides[static_cast<size_t>(axis)];
    dims.push_back(shape[axis]);
    if (reduce) plan.count *= shape[axis];
    if (!reduce && shape[axis] != 1 && plan.count > 1) plan.contiguous = false;
  }
  return plan;
}

// Offset of element `i` of a box.
int64_t offset_of(int64_t i, const Shape& dims, const std::array<int64_t, kMaxRank>& strides) {
  int64_t offset = 0;
  for (int axis = dims.rank() - 1; axis >= 0; --axis) {
    offset += i % dims[axis] * strides[static_cast<size_t>(axis)];
    i /= dims[axis];
  }
  return offset;
}

// Calls fn(offset) for every reduced element of one result.
template <typename Fn>
void for_reduced(const Plan& plan, int64_t base, Fn&& fn) {
  const int last = plan.reduced.rank() - 1;
  const int64_t row = last < 0 ? 1 : plan.reduced[last];
  const int64_t step = last < 0 ? 0 : plan.reduced_strides[static_cast<size_t>(last)];
  for (int64_t i = 0; i < plan.count; i += row) {
    const int64_t start = base + offset_of(i, plan.reduced, plan.reduced_strides);
    for (int64_t j = 0; j < row; ++j) fn(start + j * step);
  }
}

// Extremes are compared as int64: uint64 is moved to where the order is the same.
uint64_t order_offset(const ReduceSpec& spec, DType dtype) {
  const bool extreme = spec.i64_start == INT64_MIN || spec.i64_start == INT64_MAX;
  return extreme && dtype == DType::kUint64 ? uint64_t{1} << 63 : 0;
}

// The lowest or highest number of an integer dtype, for INT64_MIN or INT64_MAX.
int64_t extreme_of(DType dtype, int64_t extreme) {
  const int unused = 64 - dtype_bits(dtype);
  switch (dtype) {
    case DType::kBool:
      return extreme > 0;
    case DType::kUint8:
    case DType::kUint16:
    case DType::kUint32:
      return extreme > 0 ? INT64_MAX >> (unused - 1) : 0;
    default:
      return extreme >> unused;
  }
}

int64_t reduce_integers(const ReduceSpec& spec, const Plan& plan, const TensorView& x,
                        int64_t base) {
  const uint64_t moved = order_offset(spec, x.dtype);
  const bool extreme = spec.i64_start == INT64_MIN || spec.i64_start == INT64_MAX;
  int64_t total = spec.i64_start;
  if (extreme && plan.count == 0) total = extreme_of(x.dtype, total);
  for_reduced(plan, base, [&](int64_t offset) {
    const auto value = static_cast<uint64_t>(load_int64(x, offset)) ^ moved;
    total = spec.i64_step(total, static_cast<int64_t>(value));
  });
  return static_cast<int64_t>(static_cast<uint64_t>(total) ^ moved);
}

void reduce_one(const ReduceSpec& spec, const Plan& plan, const TensorView& x, int64_t base,
                const TensorView& y, int64_t at) {
  const DType compute = compute_dtype(x.dtype);
  if (spec.i64_step && (compute == DType::kInt64 || compute == DType::kUint64)) {
    const int64_t total = reduce_integers(spec, plan, x, base);
    return convert(y.dtype, element_address(y, at), DType::kInt64, &total, 1, 1);
  }
  double total = spec.f64_start;
  for_reduced(plan, base,
              [&](int64_t offset) { total = spec.f64_step(total, load_double(x, offset)); });
  store_double(y, at, spec.f64_end(total, plan.count));
}

// float32 without calls per element.
float reduce_f32(const ReduceSpec& spec, const Plan& plan, const float* x) {
  double total = spec.f64_start;
  for_reduced(plan, 0, [&](int64_t offset) { total = spec.f64_step(total, x[offset]); });
  return static_cast<float>(spec.f64_end(total, plan.count));
}

uint32_t all_axes(int rank) {
  return (1u << rank) - 1;
}

// How many results lie side by side like the elements that they are made of; 1 where they do not.
int64_t columns_of(const Shape& shape, uint32_t mask) {
  int axis = shape.rank() - 1;
  int64_t columns = 1;
  for (; axis >= 0 && !(mask >> axis & 1); --axis) columns *= shape[axis];
  while (axis >= 0 && mask >> axis & 1) --axis;
  return axis < 0 || (mask & all_axes(axis + 1)) == 0 ? columns : 1;
}

Status reduce_columns(const ReduceSpec& spec, int64_t count, int64_t columns, const TensorView& x,
                      const TensorView& y) {
  constexpr int64_t kGroup = 16;
  const int64_t groups = (columns + kGroup - 1) / kGroup;
  const int64_t grain = simd::grain_for(static_cast<double>(count * kGroup) * 0.15 + 5);
  return simd::parallel_for(
      y.elements() / columns * groups, grain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const int64_t outer = i / groups, first = i % groups * kGroup;
          spec.f32_columns(x.as<const float>() + outer * count * columns + first, count, columns,
                           y.as<float>() + outer * columns + first,
                           std::min(kGroup, columns - first));
        }
      });
}

Status reduce(const ReduceSpec& spec, uint32_t mask, const TensorView& x, const TensorView& y) {
  const Plan plan = make_plan(x.shape, mask);
  const int64_t columns = columns_of(x.shape, mask);
  if (x.dtype == DType::kFloat32 && spec.f32_columns && columns > 1 && plan.count > 0) {
    return reduce_columns(spec, plan.count, columns, x, y);
  }
  const int64_t grain = simd::grain_for(static_cast<double>(plan.count) * 0.5 + 5);
  return simd::parallel_for(y.elements(), grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t base = plan.contiguous ? i * plan.count
                           : plan.count    ? offset_of(i, plan.kept, plan.kept_strides)
                                           : 0;
      if (x.dtype != DType::kFloat32) {
        reduce_one(spec, plan, x, base, y, i);
      } else if (plan.contiguous && spec.f32_span) {
        y.as<float>()[i] = spec.f32_span(x.as<const float>() + base, plan.count);
      } else {
        y.as<float>()[i] = reduce_f32(spec, plan, x.as<const float>() + base);
      }
    }
  });
}

// No axes mean all, unless the node says that they mean none.
Result<uint32_t> reduced_mask(const Attributes& attributes, const IntList& axes, int rank) {
  if (axes.empty()) {
    return attributes.get_int("noop_with_empty_axes", 0) ? 0u : all_axes(rank);
  }
  return axis_mask(axes, rank, ErrorCode::ATTRIBUTE_INVALID);
}

Shape reduced_shape(const Shape& shape, uint32_t mask, bool keepdims) {
  Shape out;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const bool reduce = mask >> axis & 1;
    if (reduce && !keepdims) continue;
    out.push_back(reduce ? 1 : shape[axis]);
  }
  return out;
}

class ReduceKernel final : public Kernel {
 public:
  ReduceKernel(const ReduceSpec& spec, const KernelInit& init)
      : spec_(spec), attributes_(init.attributes), inputs_(init.opset >= spec.axes_are_inputs) {}

  Status run(const RunContext& context) const override {
    const TensorView& x = context.inputs[0];
    IntList axes;
    if (!inputs_) {
      SX_ASSIGN(axes, int_list(attributes_.get_ints("axes")));
    } else if (context.has_input(1)) {
      SX_ASSIGN(axes, int_list(context.inputs[1]));
    }
    SX_ASSIGN(const uint32_t mask, reduced_mask(attributes_, axes, x.shape.rank()));
    return reduce(spec_, mask, x, context.outputs[0]);
  }
  std::string_view name() const override { return spec_.name; }

 private:
  const ReduceSpec& spec_;
  const Attributes& attributes_;
  bool inputs_;
};

// Nullopt while the axes are not known.
Result<std::optional<IntList>> known_axes(const ReduceSpec& spec, const InferContext& context) {
  if (context.opset >= spec.axes_are_inputs) {
    if (!context.has_input(1)) return std::optional<IntList>(IntList());
    return known_ints(context, 1);
  }
  SX_ASSIGN(const IntList axes, int_list(context.attributes.get_ints("axes")));
  return std::optional<IntList>(axes);
}

Status infer_reduce(const ReduceSpec& spec, InferContext& context) {
  SX_TRY(check_arity(context, 1, context.opset >= spec.axes_are_inputs ? 2 : 1));
  const ValueFacts& x = context.inputs[0];
  if (compute_dtype(x.dtype) == DType::kUndefined) return unsupported_dtype(x.dtype);
  SX_ASSIGN(const std::optional<IntList> axes, known_axes(spec, context));
  const bool keepdims = context.attributes.get_int("keepdims", 1) != 0;
  if (!x.has_shape || (!axes && !keepdims)) {
    context.set_output_unknown(0, x.dtype);
    return {};
  }
  Shape shape = x.shape;
  if (axes) {
    SX_ASSIGN(const uint32_t mask, reduced_mask(context.attributes, *axes, shape.rank()));
    shape = reduced_shape(shape, mask, keepdims);
  } else {
    shape = {};
    shape.resize(x.shape.rank(), kUnknownDim);
  }
  context.set_output(0, x.dtype, shape);
  return {};
}

}  // namespace

#define SX_REDUCE(symbol, spec)                                   \
  Status infer_##symbol(InferContext& context) {                  \
    return infer_reduce(spec, context);                           \
  }                                                               \
  Result<KernelPtr> make_##symbol(const KernelInit& init) {       \
    return KernelPtr(std::make_unique<ReduceKernel>(spec, init)); \
  }

SX_REDUCE(reduce_sum, kSum)
SX_REDUCE(reduce_mean, kMean)
SX_REDUCE(reduce_max, kMax)
SX_REDUCE(reduce_min, kMin)
SX_REDUCE(reduce_prod, kProd)
SX_REDUCE(reduce_l1, kL1)
SX_REDUCE(reduce_l2, kL2)
SX_REDUCE(reduce_sum_square, kSumSquare)
SX_REDUCE(reduce_log_sum, kLogSum)
SX_REDUCE(reduce_log_sum_exp, kLogSumExp)

}  // namespace sardonyx::ops
