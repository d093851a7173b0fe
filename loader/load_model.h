// ONNX bytes → Graph.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/status.h"
#include "base/tensor.h"
#include "engine/graph.h"

namespace sardonyx {

// Takes an ONNX file in chunks of any size. Payloads of 1 KiB and more go to blocks of their own
// while they arrive; the rest is kept for protobuf. Thread-compatible. After an error every later
// call returns the same error.
class ModelLoader {
 public:
  ModelLoader();
  ~ModelLoader();
  ModelLoader(const ModelLoader&) = delete;
  ModelLoader& operator=(const ModelLoader&) = delete;

  // Optional: the size of the file, so that lengths beyond its end fail before they are allocated.
  Status expect_size(uint64_t bytes);
  // Copies what it keeps. Errors: see Splitter::push().
  Status push(std::span<const uint8_t> chunk);
  // Makes a file available to external_data references under its flat name. INVALID_ARGUMENT for a
  // name with folders or a second file of one name.
  Status add_external(std::string name, Payload payload);
  // The end of the file. The graph is normalized (engine/graph_edit.h) and checked: names unique,
  // no cycle, every input produced, dims and payload sizes consistent. Operators are not resolved.
  // The loader holds no payloads afterwards; a second call is INVALID_ARGUMENT. Errors:
  // MODEL_EMPTY, MODEL_TRUNCATED, MODEL_MALFORMED, and those of GraphBuilder::build() and
  // normalize().
  Result<std::unique_ptr<Graph>> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sardonyx
