// libFuzzer: any bytes, in chunks of any size, load or are refused. Build and run with
//   cmake --build --preset native --target loader_fuzz && build/native/tests/cpp/loader/loader_fuzz
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "loader/load_model.h"

using sardonyx::Graph;
using sardonyx::ModelLoader;

namespace {

// The first byte chooses the chunks, the rest is the file.
sardonyx::Result<std::unique_ptr<Graph>> load(std::span<const uint8_t> input) {
  ModelLoader loader;
  const size_t chunk = 1 + size_t{input[0]} * input[0];
  std::span<const uint8_t> file = input.subspan(1);
  SX_TRY(loader.expect_size(file.size()));
  while (!file.empty()) {
    const size_t count = std::min(chunk, file.size());
    SX_TRY(loader.push(file.first(count)));
    file = file.subspan(count);
  }
  return loader.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const auto graph = load({data, size});
  if (graph.ok()) {
    for (const sardonyx::Value& value : graph.value()->values) {
      if (value.constant && value.constant->payload.bytes != value.constant->view().bytes()) {
        __builtin_trap();
      }
    }
  } else if (graph.status().message().empty()) {
    __builtin_trap();
  }
  return 0;
}
