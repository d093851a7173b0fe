#include "tests/cpp/engine/value_run.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "base/string_tensor.h"
#include "engine/graph_edit.h"

namespace sardonyx::test {
namespace {

template <typename T>
ConstantPtr constant_of(const Shape& shape, const std::vector<T>& values) {
  auto made = make_constant(kDTypeOf<T>, shape);
  REQUIRE(made.ok());
  REQUIRE((*made)->view().elements() == static_cast<int64_t>(values.size()));
  std::copy(values.begin(), values.end(), (*made)->view().template as<T>());
  return made.take();
}

template <typename T>
std::vector<T> elements_of(const TensorView& view) {
  REQUIRE(view.dtype == kDTypeOf<T>);
  return {view.as<T>(), view.as<T>() + view.elements()};
}

}  // namespace

std::unique_ptr<Session> compile(GraphBuilder& g) {
  auto session = Session::create(g.finish());
  INFO(session.status().message());
  REQUIRE(session.ok());
  return session.take();
}

void feed(Run& run, size_t index, const ConstantPtr& tensor) {
  static std::vector<ConstantPtr> kept;
  kept.push_back(tensor);
  const Status status = run.set_input(index, tensor->view(), tensor->payload.bytes);
  INFO(status.message());
  REQUIRE(status.ok());
}

void finish(Run& run) {
  REQUIRE(run.start().ok());
  const auto state = run.advance(0);
  INFO(state.status().message());
  REQUIRE(state.ok());
  REQUIRE(state.value() == Run::State::kDone);
}

ConstantPtr floats_constant(const Shape& shape, const std::vector<float>& values) {
  return constant_of(shape, values);
}

ConstantPtr ints_constant(const Shape& shape, const std::vector<int64_t>& values) {
  return constant_of(shape, values);
}

ConstantPtr strings_constant(const std::vector<std::string_view>& texts) {
  auto made = make_strings({static_cast<int64_t>(texts.size())}, texts);
  REQUIRE(made.ok());
  return made.take();
}

std::vector<float> floats_of(const TensorView& view) {
  return elements_of<float>(view);
}

std::vector<int64_t> ints_of(const TensorView& view) {
  return elements_of<int64_t>(view);
}

std::vector<std::string> strings_of(const TensorView& view) {
  std::vector<std::string> out;
  for (const StringRef& text : elements_of<StringRef>(view)) out.emplace_back(text.view());
  return out;
}

std::string_view failure_of(GraphBuilder& g, const std::vector<ConstantPtr>& tensors) {
  auto graph = g.raw();
  Status status = normalize(*graph);
  if (!status.ok()) return error_name(status.code());
  auto session = Session::create(std::move(graph));
  if (!session.ok()) return error_name(session.status().code());
  Run run(**session);
  for (size_t i = 0; i < tensors.size(); ++i) feed(run, i, tensors[i]);
  status = run.start();
  if (status.ok()) status = run.advance(0).take_status();
  return error_name(status.code());
}

}  // namespace sardonyx::test
