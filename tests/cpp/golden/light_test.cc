// ONNX's light models: nine classic architectures at full size, whose weights their own nodes make.
// The input is a ramp from 0 to 1.
#include <string>

#include "tests/cpp/golden/golden_case.h"
#include "tests/cpp/golden/tensor_proto_reader.h"

namespace sardonyx::test {
namespace {

ConstantPtr ramp(const Shape& shape) {
  auto made = make_constant(DType::kFloat32, shape);
  require_ok(made.status());
  const TensorView view = (*made)->view();
  const int64_t count = view.elements();
  for (int64_t i = 0; i < count; ++i) {
    view.as<float>()[i] = static_cast<float>(static_cast<double>(i) / static_cast<double>(count));
  }
  return made.take();
}

TEST_CASE("golden: light models", "[golden]") {
  const std::string folder = shared_or_skip() + "/onnx-node/light/light_";
  for (const std::string model : {"bvlc_alexnet", "densenet121", "inception_v1", "inception_v2",
                                  "resnet50", "shufflenet", "squeezenet", "vgg19", "zfnet512"}) {
    DYNAMIC_SECTION(model) {
      auto session = load_session(folder + model + ".onnx");
      require_ok(session.status());
      auto expected = testing::read_tensor_proto(folder + model + "_output_0.pb");
      require_ok(expected.status());
      TensorMap feeds;
      for (ValueId id : (*session)->graph().inputs) {
        const Value& input = (*session)->graph().values[id];
        feeds[input.name] = ramp(input.shape);
      }
      REQUIRE(feeds.size() == 1);
      Run run(**session);
      auto outputs = run_session(**session, run, feeds);
      require_ok(outputs.status());
      REQUIRE(outputs->size() == 1);
      CHECK(golden_error(*outputs->begin()->second, *expected->tensor) <= 1.0);
    }
  }
}

}  // namespace
}  // namespace sardonyx::test
