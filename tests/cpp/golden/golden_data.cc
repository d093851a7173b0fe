#include "tests/cpp/golden/golden_data.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <numeric>
#include <system_error>

#include "loader/load_model.h"
#include "ops/convert.h"
#include "tests/cpp/golden/tensor_proto_reader.h"

namespace sardonyx::test {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> names_of(const Session& session, const std::vector<ValueId>& ids) {
  std::vector<std::string> names;
  for (ValueId id : ids) names.push_back(session.graph().values[id].name);
  return names;
}

Result<Block> read_file(const fs::path& path) {
  std::error_code failed;
  const uintmax_t size = fs::file_size(path, failed);
  std::ifstream file(path, std::ios::binary);
  if (failed || !file) {
    return error(ErrorCode::INVALID_ARGUMENT, "can not read '%s'", path.c_str());
  }
  SX_ASSIGN(Block block, Block::allocate(size));
  file.read(reinterpret_cast<char*>(block.data()), static_cast<std::streamsize>(size));
  if (static_cast<uintmax_t>(file.gcount()) == size) return block;
  return error(ErrorCode::INVALID_ARGUMENT, "can not read '%s' to its end", path.c_str());
}

bool is_float(DType dtype) {
  return ops::compute_dtype(dtype) == DType::kFloat32;
}

std::vector<float> floats_of(const Constant& constant) {
  const TensorView view = constant.view();
  std::vector<float> out(static_cast<size_t>(view.elements()));
  ops::convert(DType::kFloat32, out.data(), view.dtype, view.data, 1, view.elements());
  return out;
}

double float_error(const std::vector<float>& a, const std::vector<float>& b, double floor) {
  const size_t count = b.size();
  double largest = 0;
  for (size_t i = 0; i < count; ++i) {
    if (std::isfinite(b[i])) largest = std::max(largest, std::fabs(double{b[i]}));
  }
  double worst = 0;
  for (size_t i = 0; i < count; ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    const double allowed = 1e-4 * largest + 1e-3 * std::fabs(double{b[i]}) + floor;
    const double error = std::fabs(double{a[i]} - double{b[i]}) / allowed;
    if (!(error <= worst))
      worst = std::isnan(error) ? std::numeric_limits<double>::infinity() : error;
  }
  return worst;
}

// Places of the five largest elements, the largest first and the others in order of place.
std::vector<size_t> top5(const std::vector<float>& data) {
  const size_t count = data.size();
  std::vector<size_t> places(count);
  std::iota(places.begin(), places.end(), size_t{0});
  const size_t kept = std::min<size_t>(count, 5);
  std::partial_sort(places.begin(), places.begin() + static_cast<std::ptrdiff_t>(kept),
                    places.end(), [&](size_t a, size_t b) { return data[a] > data[b]; });
  places.resize(kept);
  if (kept > 1) std::sort(places.begin() + 1, places.end());
  return places;
}

}  // namespace

std::optional<std::string> shared_folder() {
  const char* named = std::getenv("SARDONYX_SHARED");
  const std::string folder = named ? named : SARDONYX_SOURCE_DIR "/../shared";
  std::error_code ignored;
  if (!fs::is_directory(folder + "/models", ignored)) return std::nullopt;
  return folder;
}

Result<std::unique_ptr<Graph>> load_graph(const std::string& path) {
  SX_ASSIGN(const Block model, read_file(path));
  ModelLoader loader;
  SX_TRY(loader.push({model.data(), model.size()}));
  const std::string_view bytes(reinterpret_cast<const char*>(model.data()), model.size());
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(fs::absolute(path).parent_path(), ignored)) {
    const std::string name = entry.path().filename().string();
    // Those that the model mentions.
    if (!entry.is_regular_file() || bytes.find(name) == std::string_view::npos) continue;
    SX_ASSIGN(Block external, read_file(entry.path()));
    const size_t size = external.size();
    SX_TRY(loader.add_external(name, {std::make_shared<Block>(std::move(external)), 0, size}));
  }
  return loader.finish();
}

Result<std::unique_ptr<Session>> load_session(const std::string& path) {
  SX_ASSIGN(std::unique_ptr<Graph> graph, load_graph(path));
  return Session::create(std::move(graph));
}

Result<TensorMap> read_tensors(const std::string& folder, const std::string& prefix,
                               const std::vector<std::string>& names) {
  TensorMap tensors;
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string path = folder + "/" + prefix + std::to_string(i) + ".pb";
    SX_ASSIGN(testing::NamedTensor read, testing::read_tensor_proto(path));
    tensors[names[i]] = read.tensor;
  }
  return tensors;
}

std::vector<std::string> input_names(const Session& session) {
  return names_of(session, session.graph().inputs);
}

std::vector<std::string> output_names(const Session& session) {
  return names_of(session, session.graph().outputs);
}

Result<TensorMap> run_session(const Session& session, Run& run, const TensorMap& inputs) {
  const std::vector<std::string> feeds = input_names(session);
  run.reset();
  for (size_t i = 0; i < feeds.size(); ++i) {
    const auto fed = inputs.find(feeds[i]);
    if (fed == inputs.end()) {
      return error(ErrorCode::INPUT_MISSING, "no tensor for input '%s'", feeds[i].c_str());
    }
    const TensorView view = fed->second->view();
    SX_TRY(run.set_input(i, view, view.bytes()));
  }
  SX_TRY(run.start());
  SX_ASSIGN(const Run::State state, run.advance(0));
  if (state != Run::State::kDone) return error(ErrorCode::INTERNAL, "the run stopped half-way");
  TensorMap outputs;
  const std::vector<std::string> names = output_names(session);
  for (size_t i = 0; i < names.size(); ++i) {
    SX_ASSIGN(ConstantPtr output, copy_of(run.output(i)));
    outputs[names[i]] = output;
  }
  return outputs;
}

double golden_error(const Constant& actual, const Constant& expected, double floor) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (actual.dtype != expected.dtype || !(actual.shape == expected.shape)) return kInfinity;
  if (is_float(expected.dtype)) return float_error(floats_of(actual), floats_of(expected), floor);
  const size_t bytes = expected.view().bytes();
  if (bytes == 0) return 0;
  return std::memcmp(actual.view().data, expected.view().data, bytes) == 0 ? 0 : kInfinity;
}

Likeness likeness(const Constant& actual, const Constant& expected) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  if (actual.dtype != expected.dtype || !is_float(expected.dtype) ||
      !(actual.shape == expected.shape)) {
    return {kNaN, kNaN, kNaN, false};
  }
  const std::vector<float> a = floats_of(actual), b = floats_of(expected);
  const size_t count = b.size();
  double product = 0, a_square = 0, b_square = 0, squares = 0, worst = 0, peak = 0;
  for (size_t i = 0; i < count; ++i) {
    const double x = a[i], y = b[i];
    product += x * y;
    a_square += x * x;
    b_square += y * y;
    squares += (x - y) * (x - y);
    if (!(std::fabs(x - y) <= worst)) worst = std::fabs(x - y);
    peak = std::max(peak, std::fabs(y));
  }
  return {.cosine = product / std::sqrt(a_square * b_square),
          .peak_error = worst / peak,
          .psnr = -10 * std::log10(squares / static_cast<double>(count)),
          .same_top5 = top5(a) == top5(b)};
}

}  // namespace sardonyx::test
