#include "tests/cpp/conformance/suite_case.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "tests/cpp/conformance/compare_tensors.h"
#include "tests/cpp/golden/golden_data.h"
#include "tests/cpp/golden/tensor_proto_reader.h"

namespace sardonyx::test {
namespace {

namespace fs = std::filesystem;

// The suite's older data has the bits of bfloat16 as uint16.
ConstantPtr as_declared(const ConstantPtr& tensor, DType declared) {
  if (tensor->dtype != DType::kUint16 || declared != DType::kBfloat16) return tensor;
  return std::make_shared<Constant>(Constant{declared, tensor->shape, tensor->payload});
}

// The tensors PREFIX0.pb, PREFIX1.pb… of a folder, for the values `ids`. A name counts where it is
// one of theirs, the place elsewhere.
Result<TensorMap> read_numbered(const std::string& folder, const std::string& prefix,
                                const Graph& graph, const std::vector<ValueId>& ids) {
  TensorMap tensors;
  for (size_t i = 0;; ++i) {
    const std::string path = folder + "/" + prefix + std::to_string(i) + ".pb";
    if (!fs::exists(path)) return tensors;
    SX_ASSIGN(testing::NamedTensor read, testing::read_tensor_proto(path));
    auto id = std::find_if(ids.begin(), ids.end(),
                           [&](ValueId value) { return graph.values[value].name == read.name; });
    if (id == ids.end() && i < ids.size()) id = ids.begin() + static_cast<std::ptrdiff_t>(i);
    if (id == ids.end()) continue;  // of an input that is a constant
    const Value& value = graph.values[*id];
    tensors[value.name] = as_declared(read.tensor, value.dtype);
  }
}

Result<std::string> run_data_set(const Session& session, Run& run, const std::string& folder) {
  const Graph& graph = session.graph();
  SX_ASSIGN(const TensorMap inputs, read_numbered(folder, "input_", graph, graph.inputs));
  SX_ASSIGN(const TensorMap expected, read_numbered(folder, "output_", graph, graph.outputs));
  SX_ASSIGN(const TensorMap actual, run_session(session, run, inputs));
  for (const auto& [name, tensor] : expected) {
    const std::string found = difference(actual.at(name)->view(), tensor->view());
    if (!found.empty()) return "output '" + name + "': " + found;
  }
  return std::string();
}

std::vector<std::string> data_sets(const std::string& folder) {
  std::vector<std::string> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_directory() && name.starts_with("test_data_set_")) {
      found.push_back(entry.path().string());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string describe(const Status& status) {
  return std::string(error_name(status.code())) + ": " + std::string(status.message());
}

}  // namespace

std::vector<SuiteCase> find_cases(const std::string& folder) {
  std::vector<SuiteCase> cases;
  std::error_code ignored;
  for (const fs::directory_entry& group : fs::directory_iterator(folder, ignored)) {
    if (!group.is_directory()) continue;
    for (const fs::directory_entry& test : fs::directory_iterator(group.path(), ignored)) {
      if (!fs::exists(test.path() / "model.onnx")) continue;
      cases.push_back({group.path().filename().string(), test.path().filename().string(),
                       test.path().string()});
    }
  }
  std::sort(cases.begin(), cases.end(), [](const SuiteCase& a, const SuiteCase& b) {
    return std::pair(a.group, a.name) < std::pair(b.group, b.name);
  });
  return cases;
}

std::string run_case(const SuiteCase& test) {
  auto session = load_session(test.folder + "/model.onnx");
  if (!session.ok()) return describe(session.status());
  Run run(**session);
  const std::vector<std::string> sets = data_sets(test.folder);
  if (sets.empty()) return "no test data";
  for (const std::string& set : sets) {
    Result<std::string> result = run_data_set(**session, run, set);
    if (!result.ok()) return describe(result.status());
    if (!result->empty()) return *result;
  }
  return {};
}

}  // namespace sardonyx::test
