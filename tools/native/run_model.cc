// Loads a model, runs it and says what came out, how long it took and which kernels ran.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include "base/block.h"
#include "engine/clock.h"
#include "simd/parallel.h"
#include "tests/cpp/golden/golden_data.h"
#include "tools/native/failure.h"

namespace sardonyx::tool {
namespace {

constexpr char kUsage[] =
    "run_model MODEL.onnx [--data FOLDER] [--runs N] [--steps] [--threads N] [--dim NAME=SIZE]…\n"
    "  --data   folder with input_0.pb… and, optionally, output_0.pb… to compare with;\n"
    "           without it inputs are random and unknown dims are 1\n"
    "  --steps  list the steps with their kernels and times\n";

struct Options {
  std::string model;
  std::string data;
  int runs = 10;
  int threads = 1;
  bool steps = false;
  std::map<std::string, int64_t> dims;
};

bool parse_dim(const std::string& text, Options& options) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos) return false;
  options.dims[text.substr(0, equals)] = std::atoll(text.c_str() + equals + 1);
  return true;
}

bool parse(int count, char** words, Options& options) {
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word == "--steps") {
      options.steps = true;
    } else if (word.rfind("--", 0) != 0) {
      options.model = word;
    } else if (i + 1 == count) {
      return false;
    } else if (word == "--data") {
      options.data = words[++i];
    } else if (word == "--runs") {
      options.runs = std::max(1, std::atoi(words[++i]));
    } else if (word == "--threads") {
      options.threads = std::atoi(words[++i]);
    } else if (word != "--dim" || !parse_dim(words[++i], options)) {
      return false;
    }
  }
  return !options.model.empty();
}

Result<ConstantPtr> random_input(const Value& value, const Options& options) {
  Shape shape = value.shape;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] >= 0) continue;
    const auto i = static_cast<size_t>(axis);
    const std::string symbol = i < value.dim_symbols.size() ? value.dim_symbols[i] : "";
    const auto given = options.dims.find(symbol);
    shape[axis] = given == options.dims.end() ? 1 : given->second;
  }
  SX_ASSIGN(const std::shared_ptr<Constant> constant, make_constant(value.dtype, shape));
  const TensorView view = constant->view();
  std::memset(view.data, 0, view.bytes());
  if (view.dtype == DType::kFloat32) {
    uint32_t state = 1;
    for (int64_t i = 0; i < view.elements(); ++i) {
      state = state * 1664525u + 1013904223u;
      view.as<float>()[i] = static_cast<float>(state >> 8) / 16777216.0f;
    }
  }
  return ConstantPtr(constant);
}

Result<test::TensorMap> make_inputs(const Session& session, const Options& options) {
  if (!options.data.empty()) {
    return test::read_tensors(options.data, "input_", test::input_names(session));
  }
  test::TensorMap inputs;
  for (ValueId id : session.graph().inputs) {
    const Value& value = session.graph().values[id];
    SX_ASSIGN(inputs[value.name], random_input(value, options));
  }
  return inputs;
}

void print_tensor(const std::string& name, const Constant& tensor) {
  const TensorView view = tensor.view();
  std::printf("  %-32s %s%s", name.c_str(), std::string(dtype_name(view.dtype)).c_str(),
              view.shape.to_string().c_str());
  if (view.dtype == DType::kFloat32 && view.elements() > 0) {
    const float* data = view.as<float>();
    double sum = 0;
    int64_t not_finite = 0;
    for (int64_t i = 0; i < view.elements(); ++i) {
      sum += double{data[i]};
      not_finite += !std::isfinite(data[i]);
    }
    const auto [low, high] = std::minmax_element(data, data + view.elements());
    std::printf("  min %g  max %g  mean %g", double{*low}, double{*high},
                sum / static_cast<double>(view.elements()));
    if (not_finite > 0) std::printf("  NOT FINITE: %lld", static_cast<long long>(not_finite));
  }
}

void print_outputs(const Session& session, const test::TensorMap& outputs, const Options& options) {
  const auto expected = options.data.empty() ? Result<test::TensorMap>(test::TensorMap())
                                             : test::read_tensors(options.data, "output_",
                                                                  test::output_names(session));
  std::printf("outputs\n");
  for (const auto& [name, tensor] : outputs) {
    print_tensor(name, *tensor);
    if (expected.ok() && expected.value().count(name) > 0) {
      const Constant& wanted = *expected.value().at(name);
      std::printf("  error/tolerance %.4f", test::golden_error(*tensor, wanted));
      const test::Likeness found = test::likeness(*tensor, wanted);
      if (!std::isnan(found.peak_error)) {
        std::printf(", of the maximum %.4f, cosine %.5f, PSNR %.1f dB, top 5 %s", found.peak_error,
                    found.cosine, found.psnr, found.same_top5 ? "same" : "differ");
      }
    }
    std::printf("\n");
  }
}

std::string describe(const TensorView& view) {
  return std::string(dtype_name(view.dtype)) + view.shape.to_string() +
         (view.layout == Layout::kNC4HW4 ? " nc4hw4" : "");
}

// Per run, on average over those that were measured.
void print_steps(const RunProfile& profile) {
  std::map<std::string, double> by_kernel;
  std::printf("steps: ms, GFLOP/s, GB/s\n");
  for (const StepProfile& row : profile.steps) {
    const Step& step = *row.step;
    const double ms = (row.time.ms + row.nested_ms) / profile.runs;
    const double per_ms = row.time.calls / (1e6 * profile.runs * ms);
    const std::string kernel(step.kernel ? step.kernel->name() : "bodies");
    const std::string label =
        std::string(static_cast<size_t>(2 * row.depth), ' ') + step.node->type;
    std::printf("  %9.4f %7.2f %7.2f  %-20s %-24s %s %s\n", ms, row.cost.flops * per_ms,
                static_cast<double>(row.cost.bytes) * per_ms, label.c_str(), kernel.c_str(),
                describe(row.outputs[0]).c_str(), step.node->name.c_str());
    by_kernel[step.node->type + " " + kernel] += row.time.ms / profile.runs;
  }
  std::printf("by kernel, of %.3f ms\n", profile.ms / profile.runs);
  std::vector<std::pair<double, std::string>> sorted;
  for (const auto& [name, ms] : by_kernel) sorted.push_back({ms, name});
  std::sort(sorted.rbegin(), sorted.rend());
  for (const auto& [ms, name] : sorted) std::printf("  %9.4f ms  %s\n", ms, name.c_str());
}

Status run(const Options& options) {
  const double start = now_ms();
  SX_ASSIGN(const std::unique_ptr<Session> session, test::load_session(options.model));
  std::printf("compiled in %.1f ms: %zu nodes, %zu steps, weights %zu KB, packed %zu KB\n",
              now_ms() - start, session->graph().nodes.size(), session->lowering().steps.size(),
              session->weight_bytes() >> 10, session->lowering().packs->bytes() >> 10);
  for (const Warning& warning : session->graph().warnings) {
    std::printf("warning: %s\n", warning.message.c_str());
  }
  SX_ASSIGN(const test::TensorMap inputs, make_inputs(*session, options));
  std::printf("inputs\n");
  for (const auto& [name, tensor] : inputs) {
    print_tensor(name, *tensor);
    std::printf("\n");
  }
  Run run(*session);
  std::vector<double> times;
  test::TensorMap outputs;
  for (int i = 0; i < options.runs; ++i) {
    // The first run binds the shapes.
    if (options.steps && i == std::min(1, options.runs - 1)) run.measure(true);
    const double before = now_ms();
    SX_ASSIGN(outputs, test::run_session(*session, run, inputs));
    times.push_back(now_ms() - before);
  }
  print_outputs(*session, outputs, options);
  const double first = times[0];
  std::sort(times.begin(), times.end());
  std::printf("runs: first %.3f ms, median %.3f, fastest %.3f of %d; arena %zu KB, blocks %zu KB\n",
              first, times[times.size() / 2], times[0], options.runs, run.arena_bytes() >> 10,
              block_bytes_in_use() >> 10);
  if (options.steps) print_steps(run.profile());
  return {};
}

}  // namespace
}  // namespace sardonyx::tool

int main(int count, char** words) {
  sardonyx::tool::Options options;
  if (!sardonyx::tool::parse(count, words, options)) {
    std::fputs(sardonyx::tool::kUsage, stderr);
    return 2;
  }
  sardonyx::simd::set_pool_limit(sardonyx::simd::kMaxThreads - 1);
  sardonyx::simd::set_threads(options.threads);
  const sardonyx::Status status = sardonyx::tool::run(options);
  if (status.ok()) return 0;
  sardonyx::tool::print_failure(status);
  return 1;
}
