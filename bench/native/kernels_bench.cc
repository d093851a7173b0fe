// Kernels in isolation, natively (SIMDe): to compare two versions of one kernel. What ships runs in
// wasm and is measured by bench/run.mjs.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "simd/elementwise.h"
#include "simd/gemm.h"
#include "simd/softmax.h"

namespace sardonyx::simd {
namespace {

using Floats = std::vector<float>;

Floats ramp(int64_t count) {
  Floats values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 1000) * 0.01f - 5;
  return values;
}

void rate(benchmark::State& state, const char* name, double per_iteration) {
  state.counters[name] =
      benchmark::Counter(per_iteration, benchmark::Counter::kIsIterationInvariantRate);
}

// m, n, k; b_stride 0 for packed B.
void product(benchmark::State& state, bool packed) {
  const int64_t m = state.range(0), n = state.range(1), k = state.range(2);
  const Floats a = ramp(m * k), b = ramp(k * n);
  Floats panels(static_cast<size_t>(gemm_packed_size(k, n))), c(static_cast<size_t>(m * n));
  gemm_pack_b(b.data(), k, n, n, 1, 1.0f, 0, gemm_packed_size(1, n) / kPanel, panels.data());
  const GemmShape shape{
      .m = m, .n = n, .k = k, .a_stride = k, .c_stride = n, .b_stride = packed ? 0 : n};
  for (auto _ : state) {
    if (!gemm(shape, {a.data(), packed ? panels.data() : b.data(), c.data()}).ok()) {
      state.SkipWithError("gemm failed");
    }
  }
  rate(state, "flops", 2.0 * static_cast<double>(m * n * k));
}
void gemm_packed(benchmark::State& state) {
  product(state, true);
}
void gemm_in_place(benchmark::State& state) {
  product(state, false);
}
BENCHMARK(gemm_packed)->Args({384, 384, 384})->Args({132, 768, 3072})->Args({3136, 144, 24});
BENCHMARK(gemm_packed)->Name("gemv")->Args({1, 4096, 4096})->Args({1, 1024, 1024});
BENCHMARK(gemm_in_place)->Args({1, 1024, 64})->Args({16, 512, 64})->Args({16, 1024, 1024});

void pack_b(benchmark::State& state) {
  const int64_t n = state.range(0), k = state.range(1);
  const bool transposed = state.range(2) != 0;
  const Floats b = ramp(k * n);
  Floats panels(static_cast<size_t>(gemm_packed_size(k, n)));
  for (auto _ : state) {
    gemm_pack_b(b.data(), k, n, transposed ? 1 : n, transposed ? k : 1, 1.0f, 0,
                gemm_packed_size(1, n) / kPanel, panels.data());
    benchmark::ClobberMemory();
  }
  rate(state, "bytes", 4.0 * static_cast<double>(k * n));
}
BENCHMARK(pack_b)->Args({1024, 1024, 0})->Args({1024, 1024, 1});

void elementwise(benchmark::State& state, UnaryKind kind) {
  const Floats x = ramp(1 << 14);
  Floats y(x.size());
  for (auto _ : state) {
    unary(kind, 0.1f, 1.0f, x.data(), y.data(), static_cast<int64_t>(x.size()));
    benchmark::ClobberMemory();
  }
  rate(state, "elements", static_cast<double>(x.size()));
}
BENCHMARK_CAPTURE(elementwise, clip, UnaryKind::kClip);
BENCHMARK_CAPTURE(elementwise, exp, UnaryKind::kExp);
BENCHMARK_CAPTURE(elementwise, sigmoid, UnaryKind::kSigmoid);
BENCHMARK_CAPTURE(elementwise, tanh, UnaryKind::kTanh);
BENCHMARK_CAPTURE(elementwise, erf, UnaryKind::kErf);
BENCHMARK_CAPTURE(elementwise, gelu, UnaryKind::kGelu);
BENCHMARK_CAPTURE(elementwise, log, UnaryKind::kLog);

// outer, n, inner
void softmax_over(benchmark::State& state) {
  const int64_t outer = state.range(0), n = state.range(1), inner = state.range(2);
  const Floats x = ramp(outer * n * inner);
  Floats y(x.size());
  for (auto _ : state) {
    if (!softmax(SoftmaxKind::kSoftmax, x.data(), y.data(), outer, n, inner).ok()) {
      state.SkipWithError("softmax failed");
    }
  }
  rate(state, "elements", static_cast<double>(x.size()));
}
BENCHMARK(softmax_over)->Args({1536, 512, 1})->Args({16, 512, 96});

}  // namespace
}  // namespace sardonyx::simd

BENCHMARK_MAIN();
