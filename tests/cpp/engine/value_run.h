// Running graphs of all kinds of values in tests.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/box.h"
#include "engine/session.h"
#include "tests/cpp/engine/graph_builder.h"

namespace sardonyx::test {

// These fail the test on any error. What is fed is kept for the whole program.
std::unique_ptr<Session> compile(GraphBuilder& g);
void feed(Run& run, size_t index, const ConstantPtr& tensor);
void finish(Run& run);

ConstantPtr floats_constant(const Shape& shape, const std::vector<float>& values);
ConstantPtr ints_constant(const Shape& shape, const std::vector<int64_t>& values);
ConstantPtr strings_constant(const std::vector<std::string_view>& texts);

std::vector<float> floats_of(const TensorView& view);
std::vector<int64_t> ints_of(const TensorView& view);
std::vector<std::string> strings_of(const TensorView& view);

// The code of the failure when the graph is compiled and run on the tensors; "OK" without one.
std::string_view failure_of(GraphBuilder& g, const std::vector<ConstantPtr>& tensors);

}  // namespace sardonyx::test
