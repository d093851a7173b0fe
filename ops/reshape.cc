// Reshape, Flatten, Squeeze, Unsqueeze: the same elements under another shape.
#include "ops/operator.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

constexpr int kAxesAreInputs = 13;  // Squeeze, Unsqueeze
constexpr int kShapeIsInput = 5;    // Reshape

Status run_copy(const Attributes&, const RunContext& context) {
  copy_tensor(context.outputs[0], context.inputs[0]);
  return {};
}

Status mismatch(const Shape& from, const IntList& wanted) {
  Shape to;
  for (int64_t dim : wanted) to.push_back(dim);
  return error(ErrorCode::SHAPE_MISMATCH, "shape %s can not become %s", from.to_string().c_str(),
               to.to_string().c_str());
}

// Dims of `wanted`, 0 standing for the input's dim, a mask of which is `copied`; a -1, the place of
// which is `inferred`, is left as kUnknownDim.
Result<Shape> copy_dims(const ValueFacts& x, const IntList& wanted, bool allow_zero, int& inferred,
                        uint32_t& copied) {
  if (wanted.size() > kMaxRank) {
    return error(ErrorCode::LIMIT_EXCEEDED, "a shape of %d dims is above the limit of %d",
                 wanted.size(), kMaxRank);
  }
  Shape out;
  for (int i = 0; i < wanted.size(); ++i) {
    int64_t dim = wanted[i];
    if (dim < -1 || (dim == -1 && inferred >= 0)) {
      return error(ErrorCode::VALUE_RANGE, "entry %d of the new shape is %lld", i,
                   static_cast<long long>(dim));
    }
    if (dim == -1) inferred = i;
    if (dim == 0 && !allow_zero) {
      if (x.has_shape && i >= x.shape.rank()) return mismatch(x.shape, wanted);
      dim = x.has_shape ? x.shape[i] : kUnknownDim;
      copied |= 1u << i;
    }
    out.push_back(dim);
  }
  return out;
}

// Product of the known dims, those of `skip` left out; nullopt when another dim is unknown.
std::optional<int64_t> product_without(const Shape& shape, uint32_t skip) {
  Shape rest;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (!(skip >> axis & 1)) rest.push_back(shape[axis]);
  }
  return rest.elements();
}

Result<Shape> reshaped(const ValueFacts& x, const IntList& wanted, bool allow_zero) {
  int inferred = -1;
  uint32_t copied = 0;
  SX_ASSIGN(Shape out, copy_dims(x, wanted, allow_zero, inferred, copied));
  if (!x.has_shape) return out;
  if (inferred < 0) {
    const auto have = x.shape.elements();
    if (!have || !out.is_known()) return out;
    return have == out.elements() ? Result(out) : mismatch(x.shape, wanted);
  }
  // A copied dim is on both sides and cancels, even where its size is not known yet.
  const auto have = product_without(x.shape, copied);
  const auto rest = product_without(out, copied | 1u << inferred);
  if (!x.shape.is_known()) {
    if (!have || !rest) return out;
  }
  if (!have || !rest || *rest == 0 || *have % *rest != 0) return mismatch(x.shape, wanted);
  out[inferred] = *have / *rest;
  return out;
}

// The axes of Squeeze and Unsqueeze, if they are known and given.
Result<std::optional<IntList>> read_axes(const InferContext& context, bool& given) {
  if (context.opset >= kAxesAreInputs) {
    given = context.has_input(1);
    if (!given) return std::optional<IntList>();
    return known_ints(context, 1);
  }
  given = context.attributes.has("axes");
  if (!given) return std::optional<IntList>();
  SX_ASSIGN(const IntList list, int_list(context.attributes.get_ints("axes")));
  return std::optional<IntList>(list);
}

ErrorCode axes_error(const InferContext& context) {
  return context.opset >= kAxesAreInputs ? ErrorCode::VALUE_RANGE : ErrorCode::ATTRIBUTE_INVALID;
}

}  // namespace

Status infer_reshape(InferContext& context) {
  const bool is_input = context.opset >= kShapeIsInput;
  SX_TRY(check_arity(context, is_input ? 2 : 1, is_input ? 2 : 1));
  const ValueFacts& x = context.inputs[0];
  std::optional<IntList> wanted;
  if (is_input) {
    SX_ASSIGN(wanted, known_ints(context, 1));
  } else {
    SX_ASSIGN(wanted, int_list(context.attributes.get_ints("shape")));
  }
  if (!wanted) {
    const ValueFacts& shape = context.inputs[1];
    context.set_output_unknown(0, x.dtype);
    if (!shape.is_static() || shape.shape.rank() != 1 || shape.shape[0] > kMaxRank) return {};
    Shape out;
    out.resize(static_cast<int>(shape.shape[0]), kUnknownDim);
    context.set_output(0, x.dtype, out);
    return {};
  }
  SX_ASSIGN(const Shape out, reshaped(x, *wanted, context.attributes.get_int("allowzero", 0) != 0));
  context.set_output(0, x.dtype, out);
  return {};
}

Status infer_flatten(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  const ValueFacts& x = context.inputs[0];
  if (!x.has_shape) {
    context.set_output(0, x.dtype, {kUnknownDim, kUnknownDim});
    return {};
  }
  const int rank = x.shape.rank();
  int64_t axis = context.attributes.get_int("axis", 1);
  if (axis < 0) axis += rank;
  if (axis < 0 || axis > rank) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "axis %lld is out of range for rank %d",
                 static_cast<long long>(context.attributes.get_int("axis", 1)), rank);
  }
  const auto split = static_cast<size_t>(axis);
  const auto rows = Shape(x.shape.dims().first(split)).elements();
  const auto columns = Shape(x.shape.dims().subspan(split)).elements();
  context.set_output(0, x.dtype, {rows.value_or(kUnknownDim), columns.value_or(kUnknownDim)});
  return {};
}

Status infer_squeeze(InferContext& context) {
  SX_TRY(check_arity(context, 1, context.opset >= kAxesAreInputs ? 2 : 1));
  const ValueFacts& x = context.inputs[0];
  bool given = false;
  SX_ASSIGN(const std::optional<IntList> axes, read_axes(context, given));
  context.set_output_unknown(0, x.dtype);
  if (!x.has_shape || (given && !axes) || (!given && !x.shape.is_known())) return {};
  uint32_t remove = 0;
  if (axes) {
    SX_ASSIGN(remove, axis_mask(*axes, x.shape.rank(), axes_error(context)));
  }
  Shape out;
  for (int axis = 0; axis < x.shape.rank(); ++axis) {
    const int64_t dim = x.shape[axis];
    const bool drop = axes ? remove >> axis & 1 : dim == 1;
    if (!drop) {
      out.push_back(dim);
    } else if (dim > 1 || dim == 0) {
      return error(ErrorCode::SHAPE_MISMATCH, "axis %d of shape %s is not 1", axis,
                   x.shape.to_string().c_str());
    }
  }
  context.set_output(0, x.dtype, out);
  return {};
}

Status infer_unsqueeze(InferContext& context) {
  const size_t arity = context.opset >= kAxesAreInputs ? 2 : 1;
  SX_TRY(check_arity(context, arity, arity));
  const ValueFacts& x = context.inputs[0];
  bool given = false;
  SX_ASSIGN(const std::optional<IntList> axes, read_axes(context, given));
  if (!given) return error(ErrorCode::ATTRIBUTE_INVALID, "attribute 'axes' is missing");
  context.set_output_unknown(0, x.dtype);
  if (!x.has_shape || !axes) return {};
  const int rank = x.shape.rank() + axes->size();
  if (rank > kMaxRank) {
    return error(ErrorCode::LIMIT_EXCEEDED, "rank %d is above the limit of %d", rank, kMaxRank);
  }
  SX_ASSIGN(const uint32_t insert, axis_mask(*axes, rank, axes_error(context)));
  Shape out;
  for (int axis = 0, from = 0; axis < rank; ++axis) {
    out.push_back(insert >> axis & 1 ? 1 : x.shape[from++]);
  }
  context.set_output(0, x.dtype, out);
  return {};
}

Result<KernelPtr> make_reshape(const KernelInit& init) {
  return stateless(init, run_copy);
}
Result<KernelPtr> make_flatten(const KernelInit& init) {
  return stateless(init, run_copy);
}
Result<KernelPtr> make_squeeze(const KernelInit& init) {
  return stateless(init, run_copy);
}
Result<KernelPtr> make_unsqueeze(const KernelInit& init) {
  return stateless(init, run_copy);
}

}  // namespace sardonyx::ops
