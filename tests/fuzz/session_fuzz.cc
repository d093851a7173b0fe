// libFuzzer: any model that loads compiles and runs, or is refused. Sizes come from the model, so
// cap what malloc gives, and let the instrumentation see the whole core:
//   cmake --preset native -B build/fuzz -DCMAKE_CXX_FLAGS=-fsanitize=fuzzer-no-link
//   cmake --build build/fuzz --target session_fuzz
//   ASAN_OPTIONS=allocator_may_return_null=1:max_allocation_size_mb=64 \
//     build/fuzz/tests/fuzz/session_fuzz -malloc_limit_mb=4096 CORPUS
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "engine/session.h"
#include "loader/load_model.h"

using namespace sardonyx;

namespace {

constexpr int64_t kMaxInputElements = 4096;

// Small whole numbers, so that they make sense as indices, sizes and repeats too.
void fill(const TensorView& view) {
  for (int64_t i = 0; i < view.elements(); ++i) {
    const int value = static_cast<int>(i % 4);
    switch (view.dtype) {
      case DType::kFloat32:
        view.as<float>()[i] = static_cast<float>(value) - 1.0f;
        break;
      case DType::kInt64:
        view.as<int64_t>()[i] = value;
        break;
      case DType::kInt32:
        view.as<int32_t>()[i] = value;
        break;
      default:
        return;
    }
  }
}

Result<ConstantPtr> make_input(const Value& value) {
  Shape shape = value.shape;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] < 0) shape[axis] = 2;
  }
  if (shape.elements().value_or(INT64_MAX) > kMaxInputElements) {
    return error(ErrorCode::LIMIT_EXCEEDED, "too large for a fuzzer");
  }
  SX_ASSIGN(const std::shared_ptr<Constant> input, make_constant(value.dtype, shape));
  if (input->payload.bytes > 0) std::memset(input->view().data, 0, input->payload.bytes);
  fill(input->view());
  return ConstantPtr(input);
}

Status compile_and_run(std::span<const uint8_t> bytes) {
  ModelLoader loader;
  SX_TRY(loader.push(bytes));
  SX_ASSIGN(std::unique_ptr<Graph> graph, loader.finish());
  SX_ASSIGN(const std::unique_ptr<Session> session, Session::create(std::move(graph)));
  Run run(*session);
  std::vector<ConstantPtr> inputs;
  for (size_t i = 0; i < session->graph().inputs.size(); ++i) {
    SX_ASSIGN(ConstantPtr input, make_input(session->graph().values[session->graph().inputs[i]]));
    inputs.push_back(input);
    const TensorView view = input->view();
    SX_TRY(run.set_input(i, view, view.bytes()));
  }
  SX_TRY(run.start());
  return run.advance(0).take_status();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Status status = compile_and_run({data, size});
  if (!status.ok() && status.message().empty()) __builtin_trap();
  return 0;
}
