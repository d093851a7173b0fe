// Tensors without ownership, and constants.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/block.h"
#include "base/dtype.h"
#include "base/shape.h"
#include "base/value_kind.h"

namespace sardonyx {

// How elements lie in memory.
//   kRowMajor  dense, last axis fastest.
//   kNC4HW4    rank 4 [N,C,H,W] stored as [N][ceil(C/4)][H][W][4] (rank 3 [N,C,W] alike, without
//   H).
//              The padding lanes of the last channel block are unspecified: never read them as
//              data.
enum class Layout : uint8_t { kRowMajor, kNC4HW4 };

// Elements in memory, padding lanes included; nullopt when unknown or overflowing.
std::optional<int64_t> storage_elements(const Shape& shape, Layout layout);
// Bytes in memory; nullopt when unknown, overflowing or, with dims of 0 taken for 1, above
// kMaxTensorBytes. Elements of less than 8 bits are packed, the last byte padded.
std::optional<size_t> storage_bytes(DType dtype, const Shape& shape, Layout layout);

// A typed window on memory that somebody else owns. A null `data` with a defined dtype and no
// elements is a valid empty tensor; dtype kUndefined means "absent". Of another kind than kTensor
// it is a scalar that holds the address of a Box, and `dtype` is that of the box's elements.
struct TensorView {
  DType dtype = DType::kUndefined;
  Layout layout = Layout::kRowMajor;
  Shape shape;
  void* data = nullptr;
  ValueKind kind = ValueKind::kTensor;

  template <typename T>
  T* as() const {
    return static_cast<T*>(data);
  }
  // For bound tensors, whose shape is known and has been checked.
  int64_t elements() const { return shape.product(0, shape.rank()); }
  size_t bytes() const {
    if (kind != ValueKind::kTensor) return sizeof(void*);
    return storage_bytes(dtype, shape, layout).value_or(0);
  }
  bool present() const { return dtype != DType::kUndefined; }
};

// A row-major tensor whose payload is fixed when the model is compiled. Immutable once shared.
struct Constant {
  DType dtype = DType::kUndefined;
  Shape shape;
  Payload payload;

  TensorView view() const {
    return {dtype, Layout::kRowMajor, shape, const_cast<uint8_t*>(payload.data())};
  }
};
using ConstantPtr = std::shared_ptr<const Constant>;

// Allocates a constant of the given type; the payload is undefined until written through `data`.
Result<std::shared_ptr<Constant>> make_constant(DType dtype, const Shape& shape);
// Owns a copy of a row-major tensor, characters of strings included.
Result<ConstantPtr> copy_of(const TensorView& view);

}  // namespace sardonyx
