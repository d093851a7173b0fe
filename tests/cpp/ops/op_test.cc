#include "tests/cpp/ops/op_test.h"

#include <cstdlib>
#include <map>
#include <memory>

#include <catch2/catch_test_macros.hpp>

namespace sardonyx::test {
namespace {

constexpr size_t kGuardBytes = 64;
constexpr size_t kTailBytes = 32;  // readable after every tensor, as Block promises
constexpr uint8_t kPoison = 0xff;  // NaN in every float format

// Exactly `bytes` bytes, aligned, inside guards that must stay as they are. Reads past the tail are
// found by ASan; writes into guards and tail by intact().
class Buffer {
 public:
  explicit Buffer(size_t bytes) : bytes_(bytes) {
    void* memory = nullptr;
    if (posix_memalign(&memory, kGuardBytes, kGuardBytes + bytes + kTailBytes)) memory = nullptr;
    REQUIRE(memory != nullptr);
    base_ = static_cast<uint8_t*>(memory);
    std::memset(base_, kPoison, kGuardBytes + bytes + kTailBytes);
  }
  ~Buffer() { std::free(base_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  uint8_t* data() const { return bytes_ ? base_ + kGuardBytes : nullptr; }
  size_t size() const { return bytes_; }
  void poison() {
    if (bytes_) std::memset(data(), kPoison, bytes_);
  }
  void fill(const std::vector<uint8_t>& bytes) {
    REQUIRE(bytes.size() == bytes_);
    if (bytes_) std::memcpy(data(), bytes.data(), bytes_);
  }
  bool holds(const std::vector<uint8_t>& bytes) const {
    return bytes.size() == bytes_ && (!bytes_ || std::memcmp(data(), bytes.data(), bytes_) == 0);
  }
  bool intact() const {
    const uint8_t* tail = base_ + kGuardBytes + bytes_;
    return std::all_of(base_, base_ + kGuardBytes, [](uint8_t b) { return b == kPoison; }) &&
           std::all_of(tail, tail + kTailBytes, [](uint8_t b) { return b == kPoison; });
  }

 private:
  uint8_t* base_ = nullptr;
  size_t bytes_;
};
using BufferPtr = std::unique_ptr<Buffer>;

class TestPackCache final : public PackCache {
 public:
  Result<std::shared_ptr<const Block>> get(const ConstantPtr& constant, std::string_view packing,
                                           const std::function<Result<Block>()>& make) override {
    auto& entry = packs_[{constant.get(), std::string(packing)}];
    if (!entry) {
      SX_ASSIGN(Block block, make());
      entry = std::make_shared<const Block>(std::move(block));
    }
    return entry;
  }

 private:
  std::map<std::pair<const Constant*, std::string>, std::shared_ptr<const Block>> packs_;
};

std::vector<uint8_t> storage(const TestTensor& tensor, Layout layout) {
  return layout == Layout::kNC4HW4 ? pack_nc4hw4(tensor) : tensor.bytes;
}

bool fits(const Shape& inferred, const Shape& actual) {
  if (inferred.rank() != actual.rank()) return false;
  for (int axis = 0; axis < actual.rank(); ++axis) {
    if (inferred[axis] != kUnknownDim && inferred[axis] != actual[axis]) return false;
  }
  return true;
}

std::string text(const Status& status) {
  return std::string(error_name(status.code())) + ": " + std::string(status.message());
}

}  // namespace

// One way of lowering and running the node.
struct OpTest::Variant {
  bool weights_fixed = true;
  bool dims_known = true;
  bool in_place = false;
  std::vector<Layout> inputs, outputs;

  bool row_major() const {
    return std::all_of(inputs.begin(), inputs.end(),
                       [](Layout l) { return l == Layout::kRowMajor; }) &&
           std::all_of(outputs.begin(), outputs.end(),
                       [](Layout l) { return l == Layout::kRowMajor; });
  }
  std::string describe() const {
    std::string out = weights_fixed ? "weights fixed" : "weights at run time";
    out += dims_known ? ", dims known" : ", dims unknown";
    if (in_place) out += ", in place";
    out += ", layouts ";
    for (Layout layout : inputs) out += layout == Layout::kNC4HW4 ? '4' : 'r';
    out += "->";
    for (Layout layout : outputs) out += layout == Layout::kNC4HW4 ? '4' : 'r';
    return out;
  }
};

// What a shape rule is told.
struct OpTest::Knowledge {
  bool values = false;     // of all inputs
  bool constants = false;  // values of the constants
  bool shapes = true;      // false: not even the ranks
  int unknown_input = -1;  // this input's dim `unknown_axis` is unknown; -2: all dims
  int unknown_axis = -1;
};

OpTest::OpTest(std::string type, int opset, std::string domain)
    : type_(std::move(type)), domain_(std::move(domain)), opset_(opset) {}

OpTest& OpTest::set(std::string name, int64_t value) {
  attributes_.set(std::move(name), value);
  return *this;
}
OpTest& OpTest::set(std::string name, double value) {
  attributes_.set(std::move(name), static_cast<float>(value));
  return *this;
}
OpTest& OpTest::set(std::string name, const char* value) {
  attributes_.set(std::move(name), std::string(value));
  return *this;
}
OpTest& OpTest::ints(std::string name, std::vector<int64_t> values) {
  attributes_.set(std::move(name), std::move(values));
  return *this;
}
OpTest& OpTest::floats(std::string name, std::vector<float> values) {
  attributes_.set(std::move(name), std::move(values));
  return *this;
}
OpTest& OpTest::strings(std::string name, std::vector<std::string> values) {
  attributes_.set(std::move(name), std::move(values));
  return *this;
}

namespace {

ConstantPtr to_constant(const TestTensor& tensor) {
  auto made = make_constant(tensor.dtype, tensor.shape);
  REQUIRE(made.ok());
  auto constant = made.take();
  if (!tensor.bytes.empty()) {
    std::memcpy(constant->payload.block->data(), tensor.bytes.data(), tensor.bytes.size());
  }
  return constant;
}

}  // namespace

OpTest& OpTest::attribute_tensor(std::string name, const TestTensor& value) {
  attributes_.set(std::move(name), to_constant(value));
  return *this;
}

OpTest::Input::Input(Kind kind_, TestTensor tensor_, ConstantPtr constant_)
    : kind(kind_), tensor(std::move(tensor_)), constant(std::move(constant_)) {
  void* data = tensor.bytes.empty() ? nullptr : tensor.bytes.data();
  view = {tensor.dtype, Layout::kRowMajor, tensor.shape, data};
}

OpTest& OpTest::add(Kind kind, TestTensor tensor) {
  ConstantPtr constant;
  if (kind == Kind::kConstant || kind == Kind::kWeight) constant = to_constant(tensor);
  inputs_.emplace_back(kind, std::move(tensor), std::move(constant));
  return *this;
}
OpTest& OpTest::input(TestTensor tensor) {
  return add(Kind::kInput, std::move(tensor));
}
OpTest& OpTest::constant(TestTensor tensor) {
  return add(Kind::kConstant, std::move(tensor));
}
OpTest& OpTest::weight(TestTensor tensor) {
  return add(Kind::kWeight, std::move(tensor));
}
OpTest& OpTest::absent() {
  return add(Kind::kAbsent, {});
}

OpTest& OpTest::expect(TestTensor output) {
  expected_.push_back(std::move(output));
  return *this;
}
OpTest& OpTest::expect_absent() {
  return expect({});
}
OpTest& OpTest::tolerance(double relative, double absolute) {
  relative_ = relative;
  absolute_ = absolute;
  return *this;
}
OpTest& OpTest::kernel(std::string name) {
  kernel_ = std::move(name);
  return *this;
}

bool OpTest::resolve() {
  op_ = find_operator(domain_, type_, opset_);
  INFO("operator " << domain_ << "." << type_ << " of opset " << opset_);
  CHECK(op_ != nullptr);
  return op_ != nullptr;
}

bool OpTest::is_constant(size_t i, bool weights_fixed) const {
  const Kind kind = inputs_[i].kind;
  return kind == Kind::kConstant || (kind == Kind::kWeight && weights_fixed);
}

std::vector<ValueFacts> OpTest::facts(const Knowledge& knowledge) const {
  std::vector<ValueFacts> out(inputs_.size());
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const Input& input = inputs_[i];
    if (input.kind == Kind::kAbsent) continue;
    out[i].dtype = input.tensor.dtype;
    const bool fixed = is_constant(i, true);
    out[i].has_shape = knowledge.shapes || (fixed && knowledge.constants);
    if (out[i].has_shape) out[i].shape = input.tensor.shape;
    const bool all = knowledge.unknown_input == -2 && !(fixed && knowledge.constants);
    for (int axis = 0; axis < out[i].shape.rank(); ++axis) {
      const bool this_one =
          knowledge.unknown_input == static_cast<int>(i) && knowledge.unknown_axis == axis;
      if (all || this_one) out[i].shape[axis] = kUnknownDim;
    }
    if (knowledge.values || (fixed && knowledge.constants)) {
      out[i].value = &input.view;
    }
  }
  return out;
}

Result<std::vector<ValueFacts>> OpTest::infer(const std::vector<ValueFacts>& inputs) const {
  std::vector<ValueFacts> outputs(std::max<size_t>(expected_.size(), 1));
  InferContext context{attributes_, opset_, inputs, outputs};
  SX_TRY(op_->infer(context));
  return outputs;
}

void OpTest::check_inference(const Knowledge& knowledge) const {
  INFO("inference: values " << knowledge.values << ", constants " << knowledge.constants
                            << ", shapes " << knowledge.shapes << ", unknown dim "
                            << knowledge.unknown_axis << " of input " << knowledge.unknown_input);
  auto result = infer(facts(knowledge));
  INFO(text(result.status()));
  CHECK(result.ok());
  if (!result.ok()) return;
  for (size_t i = 0; i < expected_.size(); ++i) {
    const ValueFacts& output = (*result)[i];
    const TestTensor& wanted = expected_[i];
    if (wanted.dtype == DType::kUndefined) continue;
    INFO("output " << i << " inferred as " << output.shape.to_string() << ", actual "
                   << wanted.shape.to_string());
    CHECK(dtype_name(output.dtype) == dtype_name(wanted.dtype));
    if (output.has_shape) CHECK(fits(output.shape, wanted.shape));
    if (knowledge.values) CHECK(output.is_static());
  }
}

void OpTest::check_all_inference() const {
  Knowledge full;
  full.values = true;
  check_inference(full);
  Knowledge shapes_and_constants;
  shapes_and_constants.constants = true;
  check_inference(shapes_and_constants);
  check_inference({});  // shapes without any values
  for (bool constants : {false, true}) {
    Knowledge dims_unknown;
    dims_unknown.constants = constants;
    dims_unknown.unknown_input = -2;
    check_inference(dims_unknown);
    Knowledge ranks_unknown;
    ranks_unknown.constants = constants;
    ranks_unknown.shapes = false;
    check_inference(ranks_unknown);
  }
  for (size_t i = 0; i < inputs_.size(); ++i) {
    for (int axis = 0; axis < inputs_[i].tensor.shape.rank(); ++axis) {
      if (is_constant(i, true)) continue;
      Knowledge one_unknown;
      one_unknown.constants = true;
      one_unknown.unknown_input = static_cast<int>(i);
      one_unknown.unknown_axis = axis;
      check_inference(one_unknown);
    }
  }
}

std::vector<KernelInput> OpTest::kernel_inputs(const Variant& variant) const {
  std::vector<KernelInput> out(inputs_.size());
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const Input& input = inputs_[i];
    if (input.kind == Kind::kAbsent) continue;
    out[i].dtype = input.tensor.dtype;
    out[i].layout = variant.inputs[i];
    out[i].has_shape = true;
    out[i].shape = input.tensor.shape;
    if (is_constant(i, variant.weights_fixed)) {
      out[i].constant = input.constant;
    } else if (!variant.dims_known) {
      for (int axis = 0; axis < out[i].shape.rank(); ++axis) out[i].shape[axis] = kUnknownDim;
    }
  }
  return out;
}

// Where everything is float32, operands of rank 4 with the output's channels may broadcast.
bool OpTest::broadcasts_nc4hw4(const Input& input) const {
  const Shape& shape = input.tensor.shape;
  const Shape& out = expected_[0].shape;
  return expected_[0].dtype == DType::kFloat32 && shape.rank() == 4 && out.rank() == 4 &&
         shape[1] == out[1] && std::all_of(inputs_.begin(), inputs_.end(), [](const Input& other) {
           return other.kind == Kind::kAbsent || other.tensor.dtype == DType::kFloat32;
         });
}

// A constant with one element per channel may stay row-major.
bool OpTest::is_per_channel(size_t i, bool weights_fixed) const {
  const Shape& shape = inputs_[i].tensor.shape;
  return is_constant(i, weights_fixed) && shape.rank() == 4 && broadcasts_nc4hw4(inputs_[i]) &&
         inputs_[i].tensor.size() == shape[1];
}

// kAny: every operand that is no scalar has the output's shape, of rank 3 or 4, or broadcasts.
bool OpTest::fits_elementwise_nc4hw4() const {
  if (expected_.empty()) return false;
  const Shape& shape = expected_[0].shape;
  if (shape.rank() < 3 || shape.rank() > 4) return false;
  for (const Input& input : inputs_) {
    if (input.kind == Kind::kAbsent || input.tensor.size() == 1) continue;
    if (!(input.tensor.shape == shape) && !broadcasts_nc4hw4(input)) return false;
  }
  return std::all_of(expected_.begin(), expected_.end(), [&](const TestTensor& output) {
    return output.dtype == DType::kUndefined || output.shape == shape;
  });
}

std::vector<OpTest::Variant> OpTest::layout_variants(bool weights_fixed, bool dims_known) const {
  Variant plain;
  plain.weights_fixed = weights_fixed;
  plain.dims_known = dims_known;
  plain.inputs.assign(inputs_.size(), Layout::kRowMajor);
  plain.outputs.assign(std::max<size_t>(expected_.size(), 1), Layout::kRowMajor);
  std::vector<Variant> out = {plain};

  if (op_->layout == LayoutPolicy::kAny && fits_elementwise_nc4hw4()) {
    Variant packed = plain;
    Variant channels_as_they_are = plain;
    for (size_t i = 0; i < inputs_.size(); ++i) {
      if (inputs_[i].kind == Kind::kAbsent || inputs_[i].tensor.size() == 1) continue;
      packed.inputs[i] = Layout::kNC4HW4;
      if (!is_per_channel(i, weights_fixed)) channels_as_they_are.inputs[i] = Layout::kNC4HW4;
    }
    packed.outputs.assign(plain.outputs.size(), Layout::kNC4HW4);
    channels_as_they_are.outputs = packed.outputs;
    out.push_back(packed);
    if (channels_as_they_are.inputs != packed.inputs) out.push_back(channels_as_they_are);
  }
  if (op_->layout == LayoutPolicy::kChannelAware && !expected_.empty()) {
    const int rank = expected_[0].shape.rank();
    for (int which = 1; which < 4; ++which) {
      Variant packed = plain;
      const size_t last = op_->flags & kVariadicLayout ? inputs_.size() : 1;
      for (size_t i = 0; (which & 1) && i < last; ++i) {
        if (inputs_[i].tensor.shape.rank() >= 2) packed.inputs[i] = Layout::kNC4HW4;
      }
      if ((which & 2) && type_ == "FusedConv" && inputs_.size() > 3) {
        packed.inputs[3] = Layout::kNC4HW4;
      }
      TestPackCache packs;
      const auto inputs = kernel_inputs(packed);
      const KernelInit init{attributes_, opset_, inputs, plain.outputs, packs, [](size_t) {}};
      if (!op_->takes_nc4hw4(init)) continue;
      if ((which & 2) && rank >= 3 && rank <= 4) packed.outputs[0] = Layout::kNC4HW4;
      out.push_back(packed);
    }
  }
  return out;
}

std::vector<OpTest::Variant> OpTest::variants() const {
  const bool has_weights = std::any_of(inputs_.begin(), inputs_.end(),
                                       [](const Input& i) { return i.kind == Kind::kWeight; });
  std::vector<Variant> out;
  for (bool weights_fixed : {true, false}) {
    if (!weights_fixed && !has_weights) continue;
    for (bool dims_known : {true, false}) {
      for (Variant& variant : layout_variants(weights_fixed, dims_known)) {
        const bool in_place = (op_->flags & kInPlace) && !expected_.empty() && !inputs_.empty() &&
                              !is_constant(0, weights_fixed) &&
                              inputs_[0].tensor.dtype == expected_[0].dtype &&
                              inputs_[0].tensor.shape == expected_[0].shape &&
                              variant.inputs[0] == variant.outputs[0];
        out.push_back(variant);
        if (in_place) {
          variant.in_place = true;
          out.push_back(variant);
        }
      }
    }
  }
  return out;
}

Result<std::vector<TestTensor>> OpTest::execute(const Variant& variant,
                                                std::string& kernel_name) const {
  Knowledge full;
  full.values = true;
  SX_ASSIGN(const std::vector<ValueFacts> inferred, infer(facts(full)));

  TestPackCache packs;
  std::vector<bool> consumed(inputs_.size(), false);
  KernelPtr kernel;
  {
    const auto inputs = kernel_inputs(variant);
    const KernelInit init{attributes_,     opset_, inputs,
                          variant.outputs, packs,  [&](size_t i) { consumed.at(i) = true; }};
    SX_ASSIGN(kernel, op_->make(init));
  }
  kernel_name = kernel->name();

  std::vector<TensorView> inputs(inputs_.size()), outputs(inferred.size());
  std::vector<BufferPtr> input_buffers, output_buffers;
  std::vector<std::vector<uint8_t>> input_bytes;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const TestTensor& tensor = inputs_[i].tensor;
    inputs[i] = {tensor.dtype, variant.inputs[i], tensor.shape, nullptr};
    input_bytes.push_back(storage(tensor, variant.inputs[i]));
    input_buffers.push_back(std::make_unique<Buffer>(input_bytes[i].size()));
    input_buffers[i]->fill(input_bytes[i]);
  }
  for (size_t i = 0; i < inferred.size(); ++i) {
    const bool absent = i < expected_.size() && expected_[i].dtype == DType::kUndefined;
    if (!absent) outputs[i] = {inferred[i].dtype, variant.outputs[i], inferred[i].shape, nullptr};
    const auto bytes = storage_bytes(outputs[i].dtype, outputs[i].shape, outputs[i].layout);
    if (!bytes) return error(ErrorCode::INTERNAL, "the shape rule left output %zu unknown", i);
    output_buffers.push_back(std::make_unique<Buffer>(absent ? 0 : *bytes));
  }

  BindContext bind{inputs, outputs, 0, nullptr};
  SX_TRY(kernel->bind(bind));
  Buffer scratch(bind.scratch_bytes);
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!consumed[i]) inputs[i].data = input_buffers[i]->data();
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].present()) outputs[i].data = output_buffers[i]->data();
  }
  if (variant.in_place) outputs[0].data = inputs[0].data;

  for (int round = 0; round < 2; ++round) {
    for (const BufferPtr& buffer : output_buffers) buffer->poison();
    if (variant.in_place) input_buffers[0]->fill(input_bytes[0]);
    scratch.poison();
    SX_TRY(kernel->run(RunContext{inputs, outputs, scratch.data(), bind.plan.get(), heap_.get()}));
  }

  for (size_t i = 0; i < inputs.size(); ++i) {
    INFO("input " << i);
    CHECK(input_buffers[i]->intact());
    if (!(variant.in_place && i == 0)) CHECK(input_buffers[i]->holds(input_bytes[i]));
  }
  CHECK(scratch.intact());
  std::vector<TestTensor> results(outputs.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    INFO("output " << i);
    CHECK(output_buffers[i]->intact());
    if (!outputs[i].present()) continue;
    if (outputs[i].layout == Layout::kNC4HW4) {
      results[i] = unpack_nc4hw4(outputs[i].dtype, outputs[i].shape, outputs[i].as<uint8_t>());
    } else {
      results[i] = make_tensor(outputs[i].dtype, outputs[i].shape);
      if (!results[i].bytes.empty()) {
        std::memcpy(results[i].bytes.data(), outputs[i].data, results[i].bytes.size());
      }
      // Strings may be of the kernel, which goes.
      const TensorView kept{outputs[i].dtype, Layout::kRowMajor, outputs[i].shape,
                            results[i].bytes.data()};
      if (kept.dtype == DType::kString) SX_TRY(heap_->own(kept));
    }
  }
  return results;
}

void OpTest::check_variant(const Variant& variant) const {
  INFO(variant.describe());
  std::string kernel_name;
  auto results = execute(variant, kernel_name);
  INFO(text(results.status()));
  CHECK(results.ok());
  if (!results.ok()) return;
  for (size_t i = 0; i < expected_.size(); ++i) {
    INFO("output " << i);
    if (expected_[i].dtype != DType::kUndefined) {
      check_close((*results)[i], expected_[i], relative_, absolute_);
    }
  }
  if (!kernel_.empty() && variant.dims_known && variant.weights_fixed && variant.row_major()) {
    CHECK(kernel_name == kernel_);
  }
}

void OpTest::run() {
  if (!resolve()) return;
  INFO(type_ << " of opset " << opset_);
  REQUIRE(!expected_.empty());
  check_all_inference();
  for (const Variant& variant : variants()) check_variant(variant);
}

void OpTest::fails(ErrorCode code) {
  if (!resolve()) return;
  INFO(type_ << " of opset " << opset_);
  for (bool shapes : {true, false}) {
    Knowledge partial;
    partial.shapes = shapes;
    (void)infer(facts(partial));
    partial.constants = true;
    (void)infer(facts(partial));
    partial.unknown_input = -2;
    (void)infer(facts(partial));
  }
  for (const Variant& variant : layout_variants(true, true)) {
    INFO(variant.describe());
    std::string kernel_name;
    auto results = execute(variant, kernel_name);
    INFO(text(results.status()));
    CHECK(error_name(results.status().code()) == error_name(code));
  }
}

}  // namespace sardonyx::test
