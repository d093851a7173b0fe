#include "ops/element.h"

#include "ops/convert.h"

namespace sardonyx::ops {

double load_double(const TensorView& tensor, int64_t i) {
  double out = 0;
  convert(DType::kFloat64, &out, tensor.dtype, element_address(tensor, i), 1, 1);
  return out;
}

void store_double(const TensorView& tensor, int64_t i, double value) {
  convert(tensor.dtype, element_address(tensor, i), DType::kFloat64, &value, 1, 1);
}

int64_t load_int64(const TensorView& tensor, int64_t i) {
  int64_t out = 0;
  convert(DType::kInt64, &out, tensor.dtype, element_address(tensor, i), 1, 1);
  return out;
}

}  // namespace sardonyx::ops
