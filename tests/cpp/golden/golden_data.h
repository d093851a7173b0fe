// The trained models and golden outputs of ../shared, and running them.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/session.h"

namespace sardonyx::test {

// $SARDONYX_SHARED, or `shared` beside the repository; nullopt when there is no such folder.
std::optional<std::string> shared_folder();

// Reads an ONNX file, with the files of external data that lie beside it.
Result<std::unique_ptr<Graph>> load_graph(const std::string& path);
// Reads and compiles it.
Result<std::unique_ptr<Session>> load_session(const std::string& path);

// Row-major tensors by name.
using TensorMap = std::map<std::string, ConstantPtr>;

// input_0.pb… or output_0.pb… of a folder, for the names in order.
Result<TensorMap> read_tensors(const std::string& folder, const std::string& prefix,
                               const std::vector<std::string>& names);

std::vector<std::string> input_names(const Session& session);
std::vector<std::string> output_names(const Session& session);

// Feeds the inputs, runs to the end and copies the outputs.
Result<TensorMap> run_session(const Session& session, Run& run, const TensorMap& inputs);

// Largest |a − b| in units of the tolerance 1e-4·max|expected| + 1e-3·|expected| + floor: up to 1
// is right. Infinite when dtypes or shapes differ, for a NaN on one side only, and for integers
// that differ.
double golden_error(const Constant& actual, const Constant& expected, double floor = 0);

// Measures for quantized models and 16-bit floats, of float tensors of one shape: one quantum more
// or less in the middle of a model is no error. NaN when they can not be compared.
struct Likeness {
  double cosine;      // of the angle between the two
  double peak_error;  // largest |a - b| over the largest |expected|
  double psnr;        // in dB, for pictures in [0, 1]; infinite when equal
  bool same_top5;     // the five largest elements are at the same five places, the largest first
};
Likeness likeness(const Constant& actual, const Constant& expected);

}  // namespace sardonyx::test
