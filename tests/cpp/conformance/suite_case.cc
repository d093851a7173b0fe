#include "tests/cpp/conformance/suite_case.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>

#include "tests/cpp/conformance/compare_tensors.h"
#include "tests/cpp/conformance/value_reader.h"
#include "tests/cpp/golden/golden_data.h"

namespace sardonyx::test {
namespace {

namespace fs = std::filesystem;

using BoxMap = std::map<std::string, Box>;

// The suite's older data has the bits of bfloat16 as uint16.
ConstantPtr as_declared(const ConstantPtr& tensor, DType declared) {
  if (tensor->dtype != DType::kUint16 || declared != DType::kBfloat16) return tensor;
  return std::make_shared<Constant>(Constant{declared, tensor->shape, tensor->payload});
}

// The values PREFIX0.pb, PREFIX1.pb… of a folder, for the values `ids`; a tensor is a box with one
// element. A name counts where it is one of theirs, the place elsewhere.
Result<BoxMap> read_numbered(const std::string& folder, const std::string& prefix,
                             const Graph& graph, const std::vector<ValueId>& ids) {
  BoxMap boxes;
  for (size_t i = 0;; ++i) {
    const std::string path = folder + "/" + prefix + std::to_string(i) + ".pb";
    if (!fs::exists(path)) return boxes;
    const ValueKind kind = i < ids.size() ? graph.values[ids[i]].kind : ValueKind::kTensor;
    SX_ASSIGN(NamedBox read, read_value(path, kind));
    auto id = std::find_if(ids.begin(), ids.end(),
                           [&](ValueId value) { return graph.values[value].name == read.name; });
    if (id == ids.end() && i < ids.size()) id = ids.begin() + static_cast<std::ptrdiff_t>(i);
    if (id == ids.end()) continue;  // of an input that is a constant
    const Value& value = graph.values[*id];
    if (value.kind == ValueKind::kTensor && read.box.size() == 1) {
      read.box = Box({as_declared(read.box.elements()[0], value.dtype)});
    }
    boxes[value.name] = std::move(read.box);
  }
}

Status feed(Run& run, const Graph& graph, const BoxMap& inputs) {
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    const Value& value = graph.values[graph.inputs[i]];
    const auto box = inputs.find(value.name);
    if (box == inputs.end()) continue;
    if (value.kind == ValueKind::kTensor) {
      const ConstantPtr& tensor = box->second.elements()[0];
      SX_TRY(run.set_input(i, tensor->view(), tensor->payload.bytes));
    } else {
      SX_TRY(run.set_input(i, box->second));
    }
  }
  return {};
}

Status finish(Run& run) {
  SX_TRY(run.start());
  return run.advance(0).take_status();
}

std::string box_difference(const TensorView& actual, const Box& expected, ValueKind kind) {
  if (actual.kind != kind) return "is of kind " + std::string(kind_name(actual.kind));
  if (kind == ValueKind::kTensor) return difference(actual, expected.elements()[0]->view());
  const Box& box = box_of(actual);
  if (box.present() != expected.present()) return box.present() ? "is there" : "is not there";
  if (box.size() != expected.size()) return std::to_string(box.size()) + " elements";
  for (size_t i = 0; i < box.size(); ++i) {
    const std::string found = difference(box.elements()[i]->view(), expected.elements()[i]->view());
    if (!found.empty()) return "tensor " + std::to_string(i) + ": " + found;
  }
  return {};
}

Result<std::string> run_data_set(const Session& session, Run& run, const std::string& folder) {
  const Graph& graph = session.graph();
  SX_ASSIGN(const BoxMap inputs, read_numbered(folder, "input_", graph, graph.inputs));
  SX_ASSIGN(const BoxMap expected, read_numbered(folder, "output_", graph, graph.outputs));
  run.reset();
  SX_TRY(feed(run, graph, inputs));
  SX_TRY(finish(run));
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    const Value& value = graph.values[graph.outputs[i]];
    const auto wanted = expected.find(value.name);
    if (wanted == expected.end()) continue;
    const std::string found = box_difference(run.output(i), wanted->second, value.kind);
    if (!found.empty()) return "output '" + value.name + "': " + found;
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
