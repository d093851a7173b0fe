// GatherBlockQuantized of com.microsoft: a Gather of integers of 2, 4 or 8 bits, which come out as
// floats by the scale and zero point of their block.
#include <algorithm>

#include "base/checked.h"
#include "ops/convert.h"
#include "ops/operator.h"
#include "ops/quantization.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

enum Input : size_t { kData, kIndices, kScales, kZeros };

constexpr int64_t kBlock = 128;  // elements that are converted at once

// How a table's integers lie. `shape` counts integers, not bytes.
struct Table {
  Shape shape;
  int bits = 8;
  bool is_signed = false;
  bool in_bytes = false;  // uint8, whose rows are whole bytes
  int gather_axis = 0, quantize_axis = 0;
  int64_t block = 0;

  Shape scale_shape() const {
    Shape out = shape;
    const int64_t dim = shape[quantize_axis];
    out[quantize_axis] = dim < 0 ? kUnknownDim : ceil_div(dim, block);
    return out;
  }
  // As stored.
  Shape zero_shape() const {
    Shape out = scale_shape();
    int64_t& last = out[out.rank() - 1];
    if (in_bytes && last > 0) last = ceil_div<int64_t>(last, 8 / bits);
    return out;
  }
};

Result<Table> table_of(const Attributes& attributes, DType dtype, const Shape& shape) {
  Table out;
  out.shape = shape;
  out.in_bytes = dtype == DType::kUint8;
  out.is_signed = dtype == DType::kInt4;
  const int64_t bits = out.in_bytes ? attributes.get_int("bits", 4) : 4;
  out.block = attributes.get_int("block_size", 128);
  const bool power =
      out.block >= 16 && out.block < (int64_t{1} << 31) && (out.block & (out.block - 1)) == 0;
  if (!power || (bits != 2 && bits != 4 && bits != 8) || shape.rank() == 0) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "bits %lld, block_size %lld, data of shape %s",
                 static_cast<long long>(bits), static_cast<long long>(out.block),
                 shape.to_string().c_str());
  }
  out.bits = static_cast<int>(bits);
  SX_ASSIGN(out.gather_axis, check_axis(attributes.get_int("gather_axis", 0), shape.rank()));
  SX_ASSIGN(out.quantize_axis, check_axis(attributes.get_int("quantize_axis", 1), shape.rank()));
  if (out.in_bytes) {
    int64_t& last = out.shape[shape.rank() - 1];
    const auto count = last < 0 ? std::optional(kUnknownDim) : checked_mul<int64_t>(last, 8 / bits);
    if (!count) return error(ErrorCode::LIMIT_EXCEEDED, "the output is too large");
    last = *count;
  }
  return out;
}

// Element i of packed integers, without sign.
int32_t field(const void* data, int bits, int64_t i) {
  const int per_byte = 8 / bits;
  const uint8_t byte = static_cast<const uint8_t*>(data)[i / per_byte];
  return byte >> (i % per_byte * bits) & ((1 << bits) - 1);
}

class Reader {
 public:
  Reader(const RunContext& context, const Table& table)
      : context_(context),
        table_(table),
        inner_(table.shape.product(table.quantize_axis + 1, table.shape.rank())),
        dim_(table.shape[table.quantize_axis]),
        scales_row_(table.scale_shape()[table.shape.rank() - 1]) {}

  // Element i of the table as a float.
  float operator()(int64_t i) {
    const int64_t along = i / inner_ % dim_, outer = i / inner_ / dim_;
    const int64_t at =
        (outer * ceil_div(dim_, table_.block) + along / table_.block) * inner_ + i % inner_;
    if (at != last_) load(at);
    return static_cast<float>(integer(context_.inputs[kData].data, i) - zero_) * scale_;
  }

 private:
  int32_t integer(const void* data, int64_t i) const {
    const int32_t value = field(data, table_.bits, i);
    const int32_t half = 1 << (table_.bits - 1);
    return table_.is_signed && value >= half ? value - 2 * half : value;
  }
  void load(int64_t at) {
    last_ = at;
    const TensorView& scales = context_.inputs[kScales];
    convert(DType::kFloat32, &scale_, scales.dtype,
            scales.as<const uint8_t>() + at * (dtype_bits(scales.dtype) / 8), 1, 1);
    zero_ = table_.in_bytes ? 1 << (table_.bits - 1) : 0;
    if (!context_.has_input(kZeros)) return;
    // Rows of zero points in bytes are padded to whole ones.
    const int64_t padded = round_up<int64_t>(scales_row_, 8 / table_.bits);
    const int64_t index = table_.in_bytes ? at / scales_row_ * padded + at % scales_row_ : at;
    zero_ = integer(context_.inputs[kZeros].data, index);
  }

  const RunContext& context_;
  const Table& table_;
  int64_t inner_, dim_, scales_row_;
  int64_t last_ = -1;
  float scale_ = 0;
  int32_t zero_ = 0;
};

Status run_gather_block_quantized(const Attributes& attributes, const RunContext& context) {
  const TensorView& indices = context.inputs[kIndices];
  const TensorView& y = context.outputs[0];
  SX_ASSIGN(const Table table,
            table_of(attributes, context.inputs[kData].dtype, context.inputs[kData].shape));
  const int64_t dim = table.shape[table.gather_axis];
  const int64_t outer = table.shape.product(0, table.gather_axis);
  const int64_t inner = table.shape.product(table.gather_axis + 1, table.shape.rank());
  const int64_t count = indices.elements();
  Reader read(context, table);
  for (int64_t i = 0; i < count; ++i) {
    int64_t from = indices.dtype == DType::kInt32 ? indices.as<const int32_t>()[i]
                                                  : indices.as<const int64_t>()[i];
    if (from < -dim || from >= dim) {
      return error(ErrorCode::INDEX_RANGE, "index %lld is out of range for a dim of %lld",
                   static_cast<long long>(from), static_cast<long long>(dim));
    }
    if (from < 0) from += dim;
    for (int64_t o = 0; o < outer; ++o) {
      for (int64_t done = 0; done < inner; done += kBlock) {
        const int64_t n = std::min(kBlock, inner - done);
        float block[kBlock];
        for (int64_t j = 0; j < n; ++j) block[j] = read((o * dim + from) * inner + done + j);
        const int64_t to = (o * count + i) * inner + done;
        convert(y.dtype, y.as<uint8_t>() + to * (dtype_bits(y.dtype) / 8), DType::kFloat32, block,
                1, n);
      }
    }
  }
  return {};
}

bool fits(const ValueFacts& facts, const Shape& wanted) {
  if (!facts.has_shape) return true;
  if (facts.shape.rank() != wanted.rank()) return false;
  for (int i = 0; i < wanted.rank(); ++i) {
    if (facts.shape[i] >= 0 && wanted[i] >= 0 && facts.shape[i] != wanted[i]) return false;
  }
  return true;
}

}  // namespace

Status infer_gather_block_quantized(InferContext& context) {
  SX_TRY(check_arity(context, 3, 4));
  SX_TRY(check_dtype(context, kData, {DType::kUint8, DType::kUint4, DType::kInt4}));
  SX_TRY(check_dtype(context, kIndices, {DType::kInt32, DType::kInt64}));
  SX_TRY(check_dtype(context, kScales, {DType::kFloat32, DType::kFloat16, DType::kBfloat16}));
  SX_TRY(check_same_dtype(context, kData, kZeros));
  const DType dtype = context.inputs[kScales].dtype;
  const ValueFacts& data = context.inputs[kData];
  const ValueFacts& indices = context.inputs[kIndices];
  if (!data.has_shape || !indices.has_shape) {
    context.set_output_unknown(0, dtype);
    return {};
  }
  SX_ASSIGN(const Table table, table_of(context.attributes, data.dtype, data.shape));
  if (!fits(context.inputs[kScales], table.scale_shape()) ||
      (context.has_input(kZeros) && !fits(context.inputs[kZeros], table.zero_shape()))) {
    return error(ErrorCode::SHAPE_MISMATCH, "scales or zero points do not fit data of shape %s",
                 data.shape.to_string().c_str());
  }
  Shape shape;
  bool room = true;
  for (int i = 0; i < table.gather_axis; ++i) room &= shape.push_back(table.shape[i]);
  for (int64_t dim : indices.shape) room &= shape.push_back(dim);
  for (int i = table.gather_axis + 1; i < table.shape.rank(); ++i) {
    room &= shape.push_back(table.shape[i]);
  }
  if (!room) return error(ErrorCode::LIMIT_EXCEEDED, "the output has more than %d dims", kMaxRank);
  context.set_output(0, dtype, shape);
  return {};
}

Result<KernelPtr> make_gather_block_quantized(const KernelInit& init) {
  SX_TRY(check_constant_scale(init, kScales, ScaleSign::kAny));
  return stateless(init, run_gather_block_quantized);
}

}  // namespace sardonyx::ops
