// Mutations of a node's attributes.
#pragma once

#include "onnx/onnx.pb.h"
#include "tests/cpp/conformance/draw.h"

namespace sardonyx::test {

// Changes, adds, removes, renames or retypes an attribute.
void mutate_attributes(onnx::NodeProto& node, Draw& draw);

}  // namespace sardonyx::test
