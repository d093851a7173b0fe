// Compiling and running graphs with control flow in tests.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/bodies.h"
#include "engine/session.h"
#include "tests/cpp/engine/graph_builder.h"

namespace sardonyx::test {

// A row-major tensor that owns its elements.
struct Feed {
  template <typename T>
  Feed(Shape dims, const std::vector<T>& values, DType type = kDTypeOf<T>)
      : dtype(type), shape(dims), bytes(values.size() * sizeof(T)) {
    if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  }
  DType dtype;
  Shape shape;
  std::vector<uint8_t> bytes;
};
Feed floats_feed(Shape shape, const std::vector<float>& values);
Feed ints_feed(Shape shape, const std::vector<int64_t>& values);
Feed bool_feed(bool value);

// A model in the making: the graph is compiled by the first run.
class Model {
 public:
  explicit Model(GraphBuilder& g);
  // Fails the test unless the run ends well.
  void run(const std::vector<Feed>& feeds, double budget_ms = 0);
  // The error of a run that must fail.
  Status failure(const std::vector<Feed>& feeds);

  Shape shape(size_t output) const { return run_->output(output).shape; }
  std::vector<float> floats(size_t output) const;
  std::vector<int64_t> ints(size_t output) const;
  const Session& session() const { return *session_; }
  Run& state() { return *run_; }
  // Slices that the last run took.
  int slices() const { return slices_; }

 private:
  Status start(const std::vector<Feed>& feeds);

  std::unique_ptr<Session> session_;
  std::unique_ptr<Run> run_;
  std::vector<Feed> feeds_;
  int slices_ = 0;
};

// The error of a graph that does not compile.
Status compile_failure(GraphBuilder& g);

}  // namespace sardonyx::test
