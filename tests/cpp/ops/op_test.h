// The operator test harness. One OpTest builds a node, takes it through infer, make, bind and run
// as the engine does, and compares with expected outputs:
//
//   OpTest("Clip", 13).input(x).constant(low).absent().expect(reference::clip(x, -1, inf)).run();
//
// run() repeats the node with constants as such and (weight()) as run-time inputs, with dims known
// and unknown when the kernel is made, in NC4HW4 where the operator's layout policy allows it, in
// place where its flags allow it, and the shape rule with every degree of knowledge. Buffers are
// exactly sized (plus the 32 readable bytes that Block promises), outputs, scratch, tails and the
// padding lanes of NC4HW4 start as NaN, empty tensors are null pointers, writes out of bounds and
// into inputs are found.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "base/value_heap.h"
#include "ops/operator.h"

namespace sardonyx::test {

// A row-major tensor that owns its elements.
struct TestTensor {
  DType dtype = DType::kUndefined;  // kUndefined: absent
  Shape shape;
  std::vector<uint8_t> bytes;

  int64_t size() const { return shape.product(0, shape.rank()); }
  template <typename T>
  T* as() {
    return static_cast<T*>(static_cast<void*>(bytes.data()));
  }
  template <typename T>
  const T* as() const {
    return static_cast<const T*>(static_cast<const void*>(bytes.data()));
  }
};

// Elements undefined.
TestTensor make_tensor(DType dtype, const Shape& shape);

template <typename T>
TestTensor tensor(const Shape& shape, const std::vector<T>& values) {
  TestTensor out = make_tensor(kDTypeOf<T>, shape);
  if (!values.empty()) {
    std::memcpy(out.bytes.data(), values.data(),
                std::min(out.bytes.size(), values.size() * sizeof(T)));
  }
  return out;
}
inline TestTensor f32(const Shape& shape, const std::vector<float>& v) {
  return tensor(shape, v);
}
inline TestTensor i64(const Shape& shape, const std::vector<int64_t>& v) {
  return tensor(shape, v);
}
inline TestTensor i32(const Shape& shape, const std::vector<int32_t>& v) {
  return tensor(shape, v);
}
TestTensor bools(const Shape& shape, const std::vector<int>& values);
// The characters stay for the whole program.
TestTensor strings(const Shape& shape, const std::vector<std::string>& values);
// From its payload: small floats, packed integers.
TestTensor payload(DType dtype, const Shape& shape, const std::vector<uint8_t>& bytes);
template <typename T>
TestTensor scalar(T value) {
  return tensor<T>(Shape{}, {value});
}

// Uniform in [low, high], the same numbers for the same seed everywhere; integers are whole,
// bool is 0 or 1. float16 and bfloat16 are rounded towards zero.
TestTensor random_tensor(DType dtype, const Shape& shape, uint32_t seed, double low = -2,
                         double high = 2);
inline TestTensor random_f32(const Shape& shape, uint32_t seed, double low = -2, double high = 2) {
  return random_tensor(DType::kFloat32, shape, seed, low, high);
}

// Element i as a double (float16 and bfloat16 decoded), whatever the dtype.
double element(const TestTensor& tensor, int64_t i);
// Rounds to the tensor's dtype; integers wrap.
void set_element(TestTensor& tensor, int64_t i, double value);

// Storage in NC4HW4 with NaN in the padding lanes, and back.
std::vector<uint8_t> pack_nc4hw4(const TestTensor& tensor);
TestTensor unpack_nc4hw4(DType dtype, const Shape& shape, const uint8_t* data);

// One CHECK: the first difference is in the message. NaN equals NaN; integers must be equal.
void check_close(const TestTensor& actual, const TestTensor& expected, double relative,
                 double absolute);

class OpTest {
 public:
  explicit OpTest(std::string type, int opset = 21, std::string domain = "");

  OpTest& set(std::string name, int64_t value);
  OpTest& set(std::string name, int value) { return set(std::move(name), int64_t{value}); }
  OpTest& set(std::string name, double value);
  OpTest& set(std::string name, const char* value);
  OpTest& ints(std::string name, std::vector<int64_t> values);
  OpTest& floats(std::string name, std::vector<float> values);
  OpTest& strings(std::string name, std::vector<std::string> values);
  OpTest& attribute_tensor(std::string name, const TestTensor& value);

  OpTest& input(TestTensor tensor);     // computed at run time
  OpTest& constant(TestTensor tensor);  // fixed when the model is compiled
  OpTest& weight(TestTensor tensor);    // tried as both
  OpTest& absent();                     // an optional input left out

  OpTest& expect(TestTensor output);
  OpTest& expect_absent();                              // an optional output that nobody reads
  OpTest& tolerance(double relative, double absolute);  // default 1e-5, 1e-6
  // The name() of the kernel that must be chosen when everything is known and row-major.
  OpTest& kernel(std::string name);

  void run();
  // infer, make, bind or run must fail with this code.
  void fails(ErrorCode code);

 private:
  enum class Kind { kInput, kConstant, kWeight, kAbsent };
  struct Input {
    Kind kind;
    TestTensor tensor;
    ConstantPtr constant;
    TensorView view;  // of tensor

    Input(Kind kind_, TestTensor tensor_, ConstantPtr constant_);
    Input(const Input& other) : Input(other.kind, other.tensor, other.constant) {}
    Input(Input&&) = default;
  };
  struct Variant;
  struct Knowledge;

  OpTest& add(Kind kind, TestTensor tensor);
  bool resolve();
  bool is_constant(size_t i, bool weights_fixed) const;
  std::vector<ValueFacts> facts(const Knowledge& knowledge) const;
  Result<std::vector<ValueFacts>> infer(const std::vector<ValueFacts>& inputs) const;
  void check_inference(const Knowledge& knowledge) const;
  void check_all_inference() const;
  std::vector<KernelInput> kernel_inputs(const Variant& variant) const;
  bool broadcasts_nc4hw4(const Input& input) const;
  bool is_per_channel(size_t i, bool weights_fixed) const;
  bool fits_elementwise_nc4hw4() const;
  std::vector<Variant> variants() const;
  std::vector<Variant> layout_variants(bool weights_fixed, bool dims_known) const;
  void check_variant(const Variant& variant) const;
  Result<std::vector<TestTensor>> execute(const Variant& variant, std::string& kernel_name) const;

  std::string type_;
  std::string domain_;
  int opset_;
  Attributes attributes_;
  std::vector<Input> inputs_;
  std::vector<TestTensor> expected_;
  double relative_ = 1e-5;
  double absolute_ = 1e-6;
  std::string kernel_;
  const Operator* op_ = nullptr;
  // Of all runs, and of copies of the test: results are compared after them.
  std::shared_ptr<ValueHeap> heap_ = std::make_shared<ValueHeap>();
};

}  // namespace sardonyx::test
