// What the engine knows about an operator: the contract between engine/ and ops/.
//
// An operator is one shape rule, `infer_X`, and one kernel factory, `make_X`, listed in
// ops/operators.def. The engine calls
//   infer   when the model is compiled (dims may be unknown) and at every binding (dims known),
//   make    once per node when the program is lowered to the CPU,
//   bind    once per new combination of input shapes,
//   run     once per run.
// All four are called on the engine thread only; run may use parallel_for (simd/parallel.h).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "base/value_heap.h"
#include "ops/attributes.h"

namespace sardonyx {

// What is known about a value before it is computed. Sequences and optionals count as scalars whose
// shape is known; `dtype` is that of their elements.
struct ValueFacts {
  DType dtype = DType::kUndefined;    // kUndefined: absent optional input, or not inferred yet
  bool has_shape = false;             // false: not even the rank is known
  Shape shape;                        // dims may be kUnknownDim
  const TensorView* value = nullptr;  // contents where known: constants, folded shape arithmetic
  ValueKind kind = ValueKind::kTensor;

  bool present() const { return dtype != DType::kUndefined; }
  bool is_static() const { return has_shape && shape.is_known(); }
};

// Arguments of a shape rule. The rule sets dtype and, as far as it can, shape of each output, and
// rejects attributes and shapes that do not fit. It must not read `value` beyond its shape.
// Outputs that depend on contents not known yet are left with has_shape = false.
struct InferContext {
  const Attributes& attributes;
  int opset;  // version of the operator's domain that the model imports
  std::span<const ValueFacts> inputs;
  std::span<ValueFacts> outputs;

  bool has_input(size_t i) const { return i < inputs.size() && inputs[i].present(); }
  bool has_output(size_t i) const { return i < outputs.size(); }
  void set_output(size_t i, DType dtype, const Shape& shape) {
    outputs[i] = {dtype, true, shape, nullptr};
  }
  void set_output_unknown(size_t i, DType dtype) { outputs[i] = {dtype, false, {}, nullptr}; }
  // A sequence or an optional; a tensor of unknown shape when the kind is that.
  void set_output_kind(size_t i, ValueKind kind, DType dtype) {
    outputs[i] = {dtype, kind != ValueKind::kTensor, {}, nullptr, kind};
  }
};

// Packed weights, shared by all nodes that pack one constant in one way.
class PackCache {
 public:
  virtual ~PackCache() = default;
  // The pack of `constant` named `packing` (e.g. "gemm.b.8"); made by `make` on first use.
  virtual Result<std::shared_ptr<const Block>> get(const ConstantPtr& constant,
                                                   std::string_view packing,
                                                   const std::function<Result<Block>()>& make) = 0;
};

struct KernelInput {
  DType dtype = DType::kUndefined;  // kUndefined: absent optional input
  Layout layout = Layout::kRowMajor;
  bool has_shape = false;
  Shape shape;           // dims may be kUnknownDim
  ConstantPtr constant;  // null unless the contents are fixed
  ValueKind kind = ValueKind::kTensor;

  bool present() const { return dtype != DType::kUndefined; }
};

// Arguments of a kernel factory. All references live only during the call, but `attributes` and
// `constant`s may be kept: the lowering owns them as long as the kernel.
struct KernelInit {
  const Attributes& attributes;
  int opset;
  std::span<const KernelInput> inputs;
  std::span<const Layout> output_layouts;
  PackCache& packs;
  // A kernel that keeps its own packed copy of input i says so here; when every consumer of the
  // constant has, the engine frees it, and the view at run time has null data.
  std::function<void(size_t input)> consumed;

  bool has_input(size_t i) const { return i < inputs.size() && inputs[i].present(); }
};

// Shape-dependent plan of one step (indirection tables, strides), owned by a binding.
struct StepPlan {
  virtual ~StepPlan() = default;
};

struct BindContext {
  std::span<const TensorView> inputs;   // dtype, layout, shape; data may be null
  std::span<const TensorView> outputs;  // as set by the shape rule
  size_t scratch_bytes = 0;             // out: memory wanted in RunContext::scratch
  std::unique_ptr<StepPlan> plan;       // out: optional
};

struct RunContext {
  std::span<const TensorView> inputs;  // absent optional inputs have dtype kUndefined
  std::span<const TensorView> outputs;
  uint8_t* scratch = nullptr;  // 64-byte aligned, scratch_bytes long, undefined contents
  const StepPlan* plan = nullptr;
  ValueHeap* heap = nullptr;  // for outputs that are no tensors or hold strings

  bool has_input(size_t i) const { return i < inputs.size() && inputs[i].present(); }
  // An optional output that nobody reads has dtype kUndefined and null data.
  bool has_output(size_t i) const { return i < outputs.size() && outputs[i].present(); }
};

// The CPU implementation of one node. Immutable after construction: bindings share it.
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual Status bind(BindContext&) const { return {}; }
  virtual Status run(const RunContext&) const = 0;
  // Short name of what was chosen, for explain() and profile(): "gemm_6x8", "depthwise_3x3"…
  virtual std::string_view name() const { return "generic"; }
};
using KernelPtr = std::unique_ptr<Kernel>;

// A kernel without state beyond the node's attributes.
using StatelessRun = Status (*)(const Attributes&, const RunContext&);
Result<KernelPtr> stateless(const KernelInit& init, StatelessRun run);

// Which layouts the CPU kernel of an operator takes.
//   kRowMajor      all inputs and outputs row-major.
//   kAny           elementwise on storage: every operand has the output's layout or one element.
//                  float32 operands may broadcast in NC4HW4 too, as plan_elementwise() says.
//   kChannelAware  input 0 and output 0 may be kNC4HW4, together or apart; for variadic operators
//                  (Concat, Sum) all inputs, for FusedConv Z. Others are row-major.
enum class LayoutPolicy : uint8_t { kRowMajor, kAny, kChannelAware };

enum OperatorFlags : uint32_t {
  kNoFlags = 0,
  kAlias = 1u << 0,      // output 0 is input 0 with another shape: no step, shared storage
  kInPlace = 1u << 1,    // output 0 may be written over input 0 when dtype, size and layout agree
  kShapeOnly = 1u << 2,  // reads only dtype and shape of its inputs (Shape, Size)
  kNonDeterministic = 1u << 3,  // must not be folded
  kVariadicLayout = 1u << 4,    // channel-aware on all inputs, not only input 0
  kTakesBoxes = 1u << 5,        // inputs may be sequences and optionals
  kControlFlow = 1u << 6,  // the engine runs the node's bodies (engine/control): no kernel, and the
                           // rule checks the operands only
  kHalfWeights = 1u << 7,  // the kernel packs a constant matrix of finite float16 numbers as such
                           // at input 1 where that input is float32
};

struct Operator {
  std::string_view domain;  // "" is ai.onnx
  std::string_view name;
  int since;  // first opset of the domain that this entry serves
  int until;  // last one
  LayoutPolicy layout;
  uint32_t flags;
  Status (*infer)(InferContext&);
  Result<KernelPtr> (*make)(const KernelInit&);
  // For kChannelAware: whether the node, as it is, gains from and can run in kNC4HW4.
  bool (*takes_nc4hw4)(const KernelInit&);
};

inline constexpr int kLatestOpset = 1000;

// The entry that serves the operator at that opset; null when there is none.
const Operator* find_operator(std::string_view domain, std::string_view name, int opset);
std::span<const Operator> all_operators();

}  // namespace sardonyx
