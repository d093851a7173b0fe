// The size that wasm memory grows to while a large model is parsed and its weights are packed.
#include <catch2/catch_test_macros.hpp>
#include <cstdio>
#include <vector>

#include "c_api/sardonyx.h"
#include "tests/cpp/loader/model_stream.h"

namespace sardonyx::testing {
namespace {

constexpr double kMegabyte = 1e6;

TEST_CASE("prepacking 25 weights of 4 MB takes the file, one weight and 8 MB") {
  constexpr int64_t kWidth = 1024;
  ModelStream stream(25, kWidth);
  sx_loader* loader = sx_loader_create();
  REQUIRE(loader);
  {
    std::vector<uint8_t> chunk(65536);
    while (const size_t bytes = stream.read(chunk)) {
      REQUIRE(sx_loader_push(loader, chunk.data(), bytes) == 0);
    }
  }
  sx_session* session = sx_session_create(loader);
  INFO(sx_error());
  REQUIRE(session);
  sx_loader_destroy(loader);
  const double file = static_cast<double>(stream.size()) / kMegabyte;
  const double weight = kWidth * kWidth * 4 / kMegabyte;
  const double memory = static_cast<double>(__builtin_wasm_memory_size(0)) * 65536 / kMegabyte;
  printf("prepacking %.1f MB: wasm memory %.1f MB, %.1f above the file; %.1f MB in blocks\n", file,
         memory, memory - file, static_cast<double>(sx_memory_in_use()) / kMegabyte);
  CHECK(memory <= file + weight + 8);

  // All weights are 2^-10: each MatMul averages its input.
  const std::vector<float> input(kWidth, 3.0f);
  const int64_t dims[] = {1, kWidth};
  sx_run* run = sx_run_create(session);
  REQUIRE(run);
  REQUIRE(sx_run_set_input(run, 0, 1, 2, dims, input.data(), input.size() * 4) == 0);
  REQUIRE(sx_run_start(run) == 0);
  REQUIRE(sx_run_advance(run, 0) == 0);
  const sx_output* output = sx_run_output(run, 0);
  REQUIRE(output);
  REQUIRE(output->bytes == kWidth * 4);
  CHECK(static_cast<const float*>(output->data)[kWidth - 1] == 3.0f);
  sx_run_destroy(run);
  sx_session_destroy(session);
}

}  // namespace
}  // namespace sardonyx::testing
