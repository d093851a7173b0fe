// The size that wasm memory grows to while a large model is parsed.
#include <catch2/catch_test_macros.hpp>
#include <cstdio>

#include "loader/load_model.h"
#include "tests/cpp/loader/model_stream.h"

namespace sardonyx::testing {
namespace {

constexpr double kMegabyte = 1e6;

void parse(int count, int64_t width) {
  ModelStream stream(count, width);
  ModelLoader loader;
  std::vector<uint8_t> chunk(65536);
  while (const size_t bytes = stream.read(chunk)) {
    REQUIRE(loader.push({chunk.data(), bytes}).ok());
  }
  auto graph = loader.finish();
  REQUIRE(graph.ok());
  CHECK((*graph)->nodes.size() == static_cast<size_t>(count));
  const double file = static_cast<double>(stream.size()) / kMegabyte;
  const double memory = static_cast<double>(__builtin_wasm_memory_size(0)) * 65536 / kMegabyte;
  printf("parsing %d weights, %.1f MB: wasm memory %.1f MB, %.1f above the file\n", count, file,
         memory, memory - file);
  CHECK(memory <= file + 6);
}

// Memory never shrinks: each case also shows that the one before left no holes.
TEST_CASE("parsing 100 MB takes the file and 6 MB") {
  parse(25, 1024);
  parse(1, 5120);
  parse(1600, 128);
}

}  // namespace
}  // namespace sardonyx::testing
