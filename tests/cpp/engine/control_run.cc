#include "tests/cpp/engine/control_run.h"

#include <catch2/catch_test_macros.hpp>

namespace sardonyx::test {
namespace {

void require_ok(const Status& status) {
  INFO(status.message() << " (" << status.node() << " " << status.op() << ")");
  REQUIRE(status.ok());
}

template <typename T>
std::vector<T> elements(const TensorView& view) {
  REQUIRE(view.dtype == kDTypeOf<T>);
  const auto* data = static_cast<const T*>(view.data);
  return {data, data + view.elements()};
}

}  // namespace

Feed floats_feed(Shape shape, const std::vector<float>& values) {
  return {shape, values};
}

Feed ints_feed(Shape shape, const std::vector<int64_t>& values) {
  return {shape, values};
}

Feed bool_feed(bool value) {
  return {{}, std::vector<uint8_t>{static_cast<uint8_t>(value)}, DType::kBool};
}

Model::Model(GraphBuilder& g) {
  auto session = Session::create(g.raw());
  require_ok(session.status());
  session_ = session.take();
  run_ = std::make_unique<Run>(*session_);
}

Status Model::start(const std::vector<Feed>& feeds) {
  feeds_ = feeds;
  for (size_t i = 0; i < feeds_.size(); ++i) {
    const TensorView view{feeds_[i].dtype, Layout::kRowMajor, feeds_[i].shape,
                          feeds_[i].bytes.data()};
    SX_TRY(run_->set_input(i, view, feeds_[i].bytes.size()));
  }
  return run_->start();
}

void Model::run(const std::vector<Feed>& feeds, double budget_ms) {
  require_ok(start(feeds));
  for (slices_ = 1;; ++slices_) {
    auto state = run_->advance(budget_ms);
    require_ok(state.status());
    if (*state == Run::State::kDone) return;
  }
}

Status Model::failure(const std::vector<Feed>& feeds) {
  Status started = start(feeds);
  if (!started.ok()) return started;
  return run_->advance(0).take_status();
}

std::vector<float> Model::floats(size_t output) const {
  return elements<float>(run_->output(output));
}

std::vector<int64_t> Model::ints(size_t output) const {
  return elements<int64_t>(run_->output(output));
}

Status compile_failure(GraphBuilder& g) {
  return Session::create(g.raw()).take_status();
}

}  // namespace sardonyx::test
