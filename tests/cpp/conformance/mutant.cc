#include "tests/cpp/conformance/mutant.h"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include "engine/session.h"
#include "loader/load_model.h"
#include "loader/tensor_decode.h"
#include "tests/cpp/conformance/value_reader.h"

namespace sardonyx::test {
namespace {

constexpr std::chrono::milliseconds kRunFor{300};

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string{std::istreambuf_iterator<char>(file), {}};
}

// FNV-1a.
uint32_t hash(const std::string& text) {
  uint32_t value = 2166136261u;
  for (const char c : text) value = (value ^ static_cast<uint8_t>(c)) * 16777619u;
  return value;
}

ValueKind kind_of(const onnx::TypeProto& type) {
  if (type.has_sequence_type()) return ValueKind::kSequence;
  if (!type.has_optional_type()) return ValueKind::kTensor;
  return type.optional_type().elem_type().has_sequence_type() ? ValueKind::kOptionalSequence
                                                              : ValueKind::kOptional;
}

// The input's data of the first data set. False when there is none.
bool read_feed(const onnx::ValueInfoProto& input, const std::string& path, Original& original) {
  const ValueKind kind = kind_of(input.type());
  if (kind != ValueKind::kTensor) {
    auto read = read_value(path, kind);
    if (read.ok()) original.boxes[input.name()] = read->box;
    return read.ok();
  }
  const auto bytes = read_file(path);
  onnx::TensorProto tensor;
  if (!bytes || !tensor.ParseFromString(*bytes)) return false;
  tensor.set_name(input.name());
  original.fed.feeds.push_back(tensor);
  return true;
}

bool is_initializer(const onnx::GraphProto& graph, const std::string& name) {
  for (const onnx::TensorProto& tensor : graph.initializer()) {
    if (tensor.name() == name) return true;
  }
  return false;
}

// `kept` owns the tensors that the run refers to.
Status feed(Run& run, const Graph& graph, const FedModel& fed, const Original& original,
            std::vector<ConstantPtr>& kept) {
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    const std::string& name = graph.values[graph.inputs[i]].name;
    const auto box = original.boxes.find(name);
    if (box != original.boxes.end()) {
      // A box of its own: the run may append to the storage.
      const auto elements = box->second.elements();
      Box fed_box = box->second.present() ? Box({elements.begin(), elements.end()}) : Box::absent();
      SX_TRY(run.set_input(i, std::move(fed_box)));
      continue;
    }
    for (const onnx::TensorProto& proto : fed.feeds) {
      if (proto.name() != name) continue;
      SX_ASSIGN(const ConstantPtr tensor, decode_tensor(proto, {}));
      kept.push_back(tensor);
      SX_TRY(run.set_input(i, tensor->view(), tensor->payload.bytes));
    }
  }
  return {};
}

// Whether the run came to its end in time.
Result<bool> finish(Run& run) {
  SX_TRY(run.start());
  const auto deadline = std::chrono::steady_clock::now() + kRunFor;
  while (std::chrono::steady_clock::now() < deadline) {
    SX_ASSIGN(const Run::State state, run.advance(20));
    if (state == Run::State::kDone) return true;
  }
  return false;
}

// The same once more: whatever came of the first run, the second ends alike.
Status repeat(Run& run, const Graph& graph, const FedModel& fed, const Original& original,
              const Result<bool>& first) {
  std::vector<ConstantPtr> kept;
  run.reset();
  SX_TRY(feed(run, graph, fed, original, kept));
  const Result<bool> second = finish(run);
  const bool in_time = (!first.ok() || first.value()) && (!second.ok() || second.value());
  if (!in_time || first.status().code() == second.status().code()) return {};
  return error(ErrorCode::INTERNAL, "%s, and then %s", error_name(first.status().code()).data(),
               error_name(second.status().code()).data());
}

Result<bool> compile_and_run(const std::string& bytes, const FedModel& fed,
                             const Original& original) {
  ModelLoader loader;
  SX_TRY(loader.push({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}));
  SX_ASSIGN(std::unique_ptr<Graph> graph, loader.finish());
  SX_ASSIGN(const std::unique_ptr<Session> session, Session::create(std::move(graph)));
  std::vector<ConstantPtr> kept;
  Run run(*session);
  SX_TRY(feed(run, session->graph(), fed, original, kept));
  Result<bool> done = finish(run);
  SX_TRY(repeat(run, session->graph(), fed, original, done));
  return done;
}

bool is_typed(const Status& status) {
  const ErrorCode code = status.code();
  return code != ErrorCode::INTERNAL && code != ErrorCode::ENGINE_TRAP && !status.message().empty();
}

}  // namespace

std::optional<Original> read_original(const SuiteCase& test) {
  Original original;
  original.hash = hash(test.group + "/" + test.name);
  const auto bytes = read_file(test.folder + "/model.onnx");
  if (!bytes || !original.fed.model.ParseFromString(*bytes)) return std::nullopt;
  const onnx::GraphProto& graph = original.fed.model.graph();
  int place = 0;
  for (const onnx::ValueInfoProto& input : graph.input()) {
    const std::string path =
        test.folder + "/test_data_set_0/input_" + std::to_string(place++) + ".pb";
    if (!read_feed(input, path, original) && !is_initializer(graph, input.name())) return original;
  }
  return original;
}

Mutant run_mutant(const Original& original, uint32_t number, bool announce) {
  Mutant mutant;
  FedModel fed = original.fed;
  Draw draw(original.hash + number);
  mutate_model(fed, draw);
  mutant.story = draw.story();
  if (announce) std::fprintf(stderr, "%s\n", mutant.story.c_str());
  const size_t before = block_bytes_in_use();
  Result<bool> done = compile_and_run(fed.model.SerializeAsString(), fed, original);
  if (done.ok()) {
    mutant.outcome = *done ? Outcome::kRan : Outcome::kCancelled;
  } else {
    const Status& status = done.status();
    mutant.outcome = is_typed(status) ? Outcome::kRefused : Outcome::kWrong;
    mutant.detail = std::string(error_name(status.code())) + ": " + std::string(status.message());
  }
  if (block_bytes_in_use() != before) {
    mutant.outcome = Outcome::kWrong;
    mutant.detail += " (memory that is not given back)";
  }
  return mutant;
}

}  // namespace sardonyx::test
