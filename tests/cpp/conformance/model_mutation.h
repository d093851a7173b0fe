// Mutations of models: attributes, connections, operators, opsets and the types of inputs.
#pragma once

#include <vector>

#include "onnx/onnx.pb.h"
#include "tests/cpp/conformance/draw.h"

namespace sardonyx::test {

// A model, and a tensor for each of its inputs that takes one, by name.
struct FedModel {
  onnx::ModelProto model;
  std::vector<onnx::TensorProto> feeds;
};

// Makes one to three changes, and tells `draw` which.
void mutate_model(FedModel& fed, Draw& draw);

}  // namespace sardonyx::test
